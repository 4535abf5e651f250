"""The platform's kernels for attention over whole sequences: splash attention on TPUs, cuDNN's on CUDA GPUs.

In: what `attention.attend` gets, where keys are a call's own, from their first slot on (a prompt; in training, all
members' whole suffixes behind their group's prefix). Out: the same values; no scores are ever held as a whole.

Splash takes both. Prefix and suffixes stand in one row of keys [P + G T], the G T queries in another, under a mask that
is known beforehand: every key of the prefix, and of the suffixes a query's own member up to itself. Blocks that the
mask leaves empty are never computed, so nothing is copied for a member and nothing is spent on its siblings; a prefix's
padding is another segment. cuDNN's has no such mask and takes prompts. Decoding, and chunks that go on from a cache,
have the einsum form: their keys lie in a cache in columns and would have to be turned at each step.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.typing import DTypeLike

from models.errors import ModelError
from models.sharding import partition

Attention = Literal["auto", "reference", "fast"]
_LANES, _LARGEST_BLOCK = 128, 512


class Keys(NamedTuple):
    """One of the two key sets, and how much of it a query sees."""

    k: jax.Array
    v: jax.Array
    end: Any
    """The prefix's length [B], or the queries' own slots [B, G, T]; a gradient has none."""
    begin: Any = None
    """Where several members share a row, the first slot [B, G, T] of each query's own; None: 0."""


@dataclass(frozen=True)
class Kernel:
    """A kernel, and where it runs."""

    name: Literal["splash", "cudnn"]
    mesh: Mesh | None = None
    """Groups and heads are spread over it; every device runs its own."""
    interpret: bool = False
    """For tests on a CPU: splash step by step; for cuDNN, XLA's form of the same call."""

    def takes(self, shared: Keys | None) -> bool:
        """Whether it can attend to such a prefix."""
        return shared is None or self.name == "splash"

    def __call__(self, q_BGTKRE: jax.Array, own: Keys, shared: Keys | None) -> jax.Array:
        """Attended values [B, G, T, K, R, E] of scaled queries; keys and values as in `attend`."""
        run = _splash if self.name == "splash" else _cudnn
        arrays = (q_BGTKRE, own.k, own.v) if shared is None else (q_BGTKRE, own.k, own.v, *shared[:3])
        if self.mesh is None:
            return run(self.interpret, *arrays)
        queries, own_axes = ("batch", None, None, "kv_heads", None, None), ("batch", None, "kv_heads", None, None)
        shared_axes = ("batch", "kv_heads", None, None)
        axes = (queries, own_axes, own_axes, shared_axes, shared_axes, ("batch",))
        split = jax.shard_map(
            lambda *parts: run(self.interpret, *parts),
            mesh=self.mesh,
            in_specs=tuple(map(partition, axes[: len(arrays)])),
            out_specs=partition(queries),
            check_vma=False,
        )
        return split(*arrays)


def choose(
    attention: str, head_dim: int, compute_dtype: DTypeLike, mesh: Mesh | None, device: Any = None
) -> Kernel | None:
    """The kernel for a model, None for the einsum form; `device` is any of those it runs on (default: JAX's first).

    Raises ModelError for an unknown setting, and for "fast" where there is no kernel, saying why.
    """
    if attention not in get_args(Attention):
        raise ModelError(f"attention {attention!r} is unknown: expected one of {', '.join(get_args(Attention))}")
    if attention == "reference":
        return None
    device = device or (jax.devices()[0] if mesh is None else mesh.devices.flat[0])
    name, problem = _kernel_of(device, head_dim, jnp.dtype(compute_dtype))
    if name is None and attention == "fast":
        raise ModelError(f"attention 'fast' has no kernel here: {problem}; use 'auto' or 'reference'")
    return None if name is None else Kernel(name, mesh)


def _kernel_of(device: Any, head_dim: int, dtype: np.dtype) -> tuple[Literal["splash", "cudnn"] | None, str]:
    """The kernel's name, or None and what is in the way."""
    if dtype != jnp.bfloat16:
        return None, f"kernels compute in bfloat16, this model in {dtype}"
    if device.platform == "tpu":
        if head_dim % _LANES:
            return None, f"splash attention needs heads of a multiple of {_LANES}, these have {head_dim}"
        return "splash", ""
    if device.platform == "gpu" and "cuda" in device.client.platform_version:
        widest = 256 if float(device.compute_capability) >= 9 else 128
        if head_dim % 8 or head_dim > widest:
            return None, f"cuDNN needs heads of a multiple of 8 up to {widest} on this GPU, these have {head_dim}"
        return "cudnn", ""
    return None, f"there is one for TPUs and for CUDA GPUs, this is a {device.platform}"


def _cudnn(interpret: bool, q_BGTKRE: jax.Array, k_BGKET: jax.Array, v_BGKTE: jax.Array) -> jax.Array:
    """Causal attention of every member to itself."""
    b, g, t, k, r, e = q_BGTKRE.shape
    out_XTHE = jax.nn.dot_product_attention(
        q_BGTKRE.reshape(b * g, t, k * r, e),
        jnp.moveaxis(k_BGKET, 4, 2).reshape(b * g, t, k, e),
        v_BGKTE.swapaxes(2, 3).reshape(b * g, t, k, e),
        scale=1.0,
        is_causal=True,
        implementation="xla" if interpret else "cudnn",
    )
    return out_XTHE.reshape(q_BGTKRE.shape)


def _splash(
    interpret: bool,
    q_BGTKRE: jax.Array,
    k_BGKET: jax.Array,
    v_BGKTE: jax.Array,
    prefix_k_BKEP: jax.Array | None = None,
    prefix_v_BKPE: jax.Array | None = None,
    length_B: jax.Array | None = None,
) -> jax.Array:
    """Attention to one row of keys, prefix and all suffixes, each filled up to whole blocks."""
    # Imported where it is used: it takes as long as the rest of this package.
    from jax.experimental.pallas.ops.tpu import splash_attention as splash

    b, g, t, kv_heads, r, e = q_BGTKRE.shape
    q_BHGTE = _filled(q_BGTKRE.transpose(0, 3, 4, 1, 2, 5).reshape(b, kv_heads * r, g, t, e))
    k_BKXE = _filled(k_BGKET.transpose(0, 2, 1, 4, 3))
    v_BKXE = _filled(v_BGKTE.swapaxes(1, 2))
    width = q_BHGTE.shape[-2]
    q_BHXE, k_BKXE, v_BKXE = (x.reshape(*x.shape[:2], g * width, e) for x in (q_BHGTE, k_BKXE, v_BKXE))
    segments, prefix = None, 0
    if prefix_k_BKEP is not None and prefix_v_BKPE is not None and length_B is not None:
        shared_k, shared_v = _filled(prefix_k_BKEP.mT), _filled(prefix_v_BKPE)
        prefix = shared_k.shape[-2]
        k_BKXE, v_BKXE = (jnp.concatenate(pair, axis=2) for pair in ((shared_k, k_BKXE), (shared_v, v_BKXE)))
        is_padding_BX = jnp.pad(jnp.arange(prefix) >= length_B[:, None], ((0, 0), (0, g * width)))
        segments = splash.SegmentIds(jnp.zeros((b, g * width), jnp.int32), is_padding_BX.astype(jnp.int32))
    mask = splash.MultiHeadMask([_mask(splash, g, width, prefix)] * (kv_heads * r))
    kernel = splash.make_splash_mha_single_device(mask, block_sizes=_blocks(splash, mask.shape), interpret=interpret)
    out_BHXE = jax.vmap(kernel)(q_BHXE, k_BKXE, v_BKXE, segments)
    out_BKRGTE = out_BHXE.reshape(b, kv_heads, r, g, width, e)[:, :, :, :, :t]
    return out_BKRGTE.transpose(0, 3, 4, 1, 2, 5)


def _filled(x: jax.Array) -> jax.Array:
    """[..., tokens, E] with tokens of zeros added up to a multiple of a block's least size."""
    return jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, -x.shape[-2] % _LANES), (0, 0)])


def _blocks(splash: Any, shape: tuple[int, ...]) -> Any:
    """Square blocks, the largest that both lengths are multiples of."""
    size = math.gcd(*shape[-2:], _LARGEST_BLOCK)
    names = "block_q", "block_kv", "block_q_dkv", "block_kv_dkv", "block_q_dq", "block_kv_dq"
    return splash.BlockSizes(**dict.fromkeys(names, size))


def _mask(splash: Any, members: int, width: int, prefix: int) -> Any:
    """What the members' queries see of a prefix and of all members' keys, asked for by blocks."""

    @dataclass(frozen=True)
    class Seen(splash.splash_attention_mask.Mask):  # type: ignore[misc,name-defined]
        members: int
        width: int
        prefix: int

        @property
        def shape(self) -> tuple[int, int]:
            queries = self.members * self.width
            return queries, self.prefix + queries

        def __getitem__(self, place: tuple[slice, slice]) -> np.ndarray:
            (row, row_end), (column, column_end) = (
                part.indices(size)[:2] for part, size in zip(place, self.shape, strict=True)
            )
            column, column_end = column - self.prefix, column_end - self.prefix
            size = row_end - row, column_end - column
            # There are many blocks: those that are seen as a whole, or not at all, are told from their corners.
            if column_end <= 0:
                return np.ones(size, bool)
            if column >= row_end or (column >= 0 and (column_end - 1) // self.width < row // self.width):
                return np.zeros(size, bool)
            rows, columns = np.arange(row, row_end)[:, None], np.arange(column, column_end)[None]
            return (columns < 0) | ((columns // self.width == rows // self.width) & (columns <= rows))

    return Seen(members, width, prefix)
