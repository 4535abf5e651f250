"""Platform kernels for attention over whole sequences: splash attention on TPUs, cuDNN attention on CUDA GPUs.

They compute the same values as `attention.attend` without holding the scores of a whole sequence, where the keys are
the call's own from slot 0 on: a prompt, or in training all members' whole suffixes behind their group's prefix.

Splash attention handles both. Prefix and suffixes form one row of keys [P + G T], the G T queries another, under a
static mask: each query sees every prefix key and its own member's suffix up to itself. Blocks that the mask leaves
empty are never computed, so the prefix is not copied per member and no time is spent on siblings; a prefix's padding is
a separate segment. cuDNN attention has no such mask and handles prompts only. Decoding, and chunks that continue from a
cache, use the einsum form: cached keys are stored as columns and a kernel would have to transpose them at each step.
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


class KeySet(NamedTuple):
    """Keys and values that queries attend to, and which of them each query sees."""

    k: jax.Array
    """[B, K, E, P] of prefixes, [B, G, K, E, S] of suffixes."""
    v: jax.Array
    """[B, K, P, E] of prefixes, [B, G, K, S, E] of suffixes."""
    extent: Any
    """Prefixes: the number of visible keys [B]. Suffixes: each query's own slot [B, G, T], the last it sees. None in a
    gradient."""
    begin: Any = None
    """Suffixes whose rows hold several members: the first slot [B, G, T] of each query's own member; None: 0."""


@dataclass(frozen=True)
class Kernel:
    """An attention kernel and the mesh it runs on."""

    name: Literal["splash", "cudnn"]
    mesh: Mesh | None = None
    """Each device runs the kernel on its own groups and heads."""
    interpret: bool = False
    """For tests on a CPU: run splash in Pallas' interpreter, and XLA's implementation of the cuDNN call."""

    def supports(self, prefix: KeySet | None) -> bool:
        """True if the kernel can attend to this prefix."""
        return prefix is None or self.name == "splash"

    def __call__(self, q_BGTKRE: jax.Array, suffix: KeySet, prefix: KeySet | None) -> jax.Array:
        """Return attended values [B, G, T, K, R, E] of scaled queries; key sets as in `attend`."""
        if self.mesh is None:
            return self._run(q_BGTKRE, suffix.k, suffix.v, prefix)
        queries = partition(("batch", None, None, "kv_heads", None, None))
        suffix_keys = partition(("batch", None, "kv_heads", None, None))
        prefix_keys = partition(("batch", "kv_heads", None, None))
        # A tree of specs, not of arrays.
        prefix_specs: Any = None
        if prefix is not None:
            prefix_specs = KeySet(prefix_keys, prefix_keys, partition(("batch",)))  # type: ignore[arg-type]
        run = jax.shard_map(
            self._run,
            mesh=self.mesh,
            in_specs=(queries, suffix_keys, suffix_keys, prefix_specs),
            out_specs=queries,
            check_vma=False,
        )
        return run(q_BGTKRE, suffix.k, suffix.v, prefix)

    def _run(self, q_BGTKRE: jax.Array, k_BGKET: jax.Array, v_BGKTE: jax.Array, prefix: KeySet | None) -> jax.Array:
        if self.name == "cudnn":
            return _cudnn(self.interpret, q_BGTKRE, k_BGKET, v_BGKTE)
        return _splash(self.interpret, q_BGTKRE, k_BGKET, v_BGKTE, prefix)


def choose(
    attention: str, head_dim: int, compute_dtype: DTypeLike, mesh: Mesh | None, device: Any = None
) -> Kernel | None:
    """Choose the kernel for a model; None for the einsum form. `device` is any device of the mesh (default: the first).

    Raises ModelError for an unknown setting, and for "fast" if no kernel fits, with the reason.
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
    """Return the kernel's name, or None and the reason why there is none."""
    if dtype != jnp.bfloat16:
        return None, f"kernels compute in bfloat16, this model computes in {dtype}"
    if device.platform == "tpu":
        if head_dim % _LANES:
            return None, f"splash attention needs head_dim to be a multiple of {_LANES}, not {head_dim}"
        return "splash", ""
    if device.platform == "gpu" and "cuda" in device.client.platform_version:
        widest = 256 if float(device.compute_capability) >= 9 else 128
        if head_dim % 8 or head_dim > widest:
            return None, f"cuDNN needs head_dim to be a multiple of 8 up to {widest} on this GPU, not {head_dim}"
        return "cudnn", ""
    return None, f"kernels exist for TPUs and CUDA GPUs, this is a {device.platform}"


def _cudnn(interpret: bool, q_BGTKRE: jax.Array, k_BGKET: jax.Array, v_BGKTE: jax.Array) -> jax.Array:
    """Causal attention of each member to itself, by cuDNN."""
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
    interpret: bool, q_BGTKRE: jax.Array, k_BGKET: jax.Array, v_BGKTE: jax.Array, prefix: KeySet | None
) -> jax.Array:
    """Splash attention to one row of keys: the prefix and all suffixes, each padded to whole blocks."""
    # Imported late: the import takes as long as the rest of this package.
    from jax.experimental.pallas.ops.tpu import splash_attention as splash

    b, g, t, kv_heads, r, e = q_BGTKRE.shape
    q_BHGTE = _padded(q_BGTKRE.transpose(0, 3, 4, 1, 2, 5).reshape(b, kv_heads * r, g, t, e))
    k_BKXE = _padded(k_BGKET.transpose(0, 2, 1, 4, 3))
    v_BKXE = _padded(v_BGKTE.swapaxes(1, 2))
    width = q_BHGTE.shape[-2]
    q_BHXE, k_BKXE, v_BKXE = (x.reshape(*x.shape[:2], g * width, e) for x in (q_BHGTE, k_BKXE, v_BKXE))
    segments, prefix_width = None, 0
    if prefix is not None:
        prefix_k, prefix_v = _padded(prefix.k.mT), _padded(prefix.v)
        prefix_width = prefix_k.shape[-2]
        k_BKXE, v_BKXE = (jnp.concatenate(pair, axis=2) for pair in ((prefix_k, k_BKXE), (prefix_v, v_BKXE)))
        is_padding_BX = jnp.pad(jnp.arange(prefix_width) >= prefix.extent[:, None], ((0, 0), (0, g * width)))
        segments = splash.SegmentIds(jnp.zeros((b, g * width), jnp.int32), is_padding_BX.astype(jnp.int32))
    mask = splash.MultiHeadMask([_mask(splash, g, width, prefix_width)] * (kv_heads * r))
    kernel = splash.make_splash_mha_single_device(mask, block_sizes=_blocks(splash, mask.shape), interpret=interpret)
    out_BHXE = jax.vmap(kernel)(q_BHXE, k_BKXE, v_BKXE, segments)
    out_BKRGTE = out_BHXE.reshape(b, kv_heads, r, g, width, e)[:, :, :, :, :t]
    return out_BKRGTE.transpose(0, 3, 4, 1, 2, 5)


def _padded(x: jax.Array) -> jax.Array:
    """Pad [..., tokens, E] with zero tokens to a multiple of the smallest block."""
    return jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, -x.shape[-2] % _LANES), (0, 0)])


def _blocks(splash: Any, shape: tuple[int, ...]) -> Any:
    """Return the largest square blocks that divide both lengths."""
    size = math.gcd(*shape[-2:], _LARGEST_BLOCK)
    names = "block_q", "block_kv", "block_q_dkv", "block_kv_dkv", "block_q_dq", "block_kv_dq"
    return splash.BlockSizes(**dict.fromkeys(names, size))


def _mask(splash: Any, members: int, width: int, prefix: int) -> Any:
    """Return a lazy mask of members' queries over a prefix and all members' keys, which splash reads block by block."""

    @dataclass(frozen=True)
    class PrefixAndOwnSuffix(splash.splash_attention_mask.Mask):  # type: ignore[misc,name-defined]
        members: int
        width: int
        prefix: int

        @property
        def shape(self) -> tuple[int, int]:
            queries = self.members * self.width
            return queries, self.prefix + queries

        def __getitem__(self, block: tuple[slice, slice]) -> np.ndarray:
            (row, row_end), (column, column_end) = (
                part.indices(size)[:2] for part, size in zip(block, self.shape, strict=True)
            )
            column, column_end = column - self.prefix, column_end - self.prefix
            size = row_end - row, column_end - column
            # There are many blocks: fully visible and fully hidden ones are recognised by their corners.
            if column_end <= 0:
                return np.ones(size, bool)
            if column >= row_end or (column >= 0 and (column_end - 1) // self.width < row // self.width):
                return np.zeros(size, bool)
            rows, columns = np.arange(row, row_end)[:, None], np.arange(column, column_end)[None]
            return (columns < 0) | ((columns // self.width == rows // self.width) & (columns <= rows))

    return PrefixAndOwnSuffix(members, width, prefix)
