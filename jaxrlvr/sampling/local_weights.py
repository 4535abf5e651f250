"""Weights of a run of several processes, copied to the devices of one process."""

from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding

from models.sampling_weights import sampling_weights


def local_weights(graphdef: Any, params: Any, mesh: Mesh | None) -> Any:
    """Return the parameters on the devices of `mesh`, this process's own, with the parts that other hosts hold.

    With one process, or without a mesh, returns `params` unchanged. Every process must call it at the same time.
    """
    if jax.process_count() == 1 or mesh is None:
        return params
    model = nnx.merge(graphdef, params)
    params = sampling_weights(model.config, params, model.compute_dtype, None)  # cast first: half as much to send
    # The same sharding within every host, replicated over hosts: the shards on this host's devices are a whole copy.
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    hosts = np.array(devices).reshape(jax.process_count(), *mesh.devices.shape)
    all_hosts = Mesh(hosts, ("hosts", *mesh.axis_names))
    leaves, structure = jax.tree.flatten(params)
    specs = [leaf.sharding.spec for leaf in leaves]
    replicated = jax.device_put(leaves, [NamedSharding(all_hosts, spec) for spec in specs])
    position = {device: number for number, device in enumerate(mesh.devices.flat)}
    local = []
    for leaf, spec in zip(replicated, specs, strict=True):
        shards = [s.data for s in sorted(leaf.addressable_shards, key=lambda shard: position[shard.device])]
        local.append(jax.make_array_from_single_device_arrays(leaf.shape, NamedSharding(mesh, spec), shards))
    return jax.tree.unflatten(structure, local)
