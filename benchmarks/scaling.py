"""Roofline estimate of a step, for docs/scaling.md: `python benchmarks/scaling.py` prints its tables.

In: published shapes of models, published figures of machines, and one workload. Out: bytes per device, and lower bounds
on the seconds set by arithmetic, memory and links (real runs are slower). Nothing here is measured.

State is float32 weights, gradients and Adam's two moments, 16 bytes per parameter, sharded over all devices. Sampling
has a bfloat16 copy of the weights, sharded over the devices of one host since every host samples on its own; with
several hosts their float32 weights are copied to each host as well.
"""

from dataclasses import dataclass

GROUPS, MEMBERS, PREFIX, SUFFIX, SAMPLED = 64, 8, 1536, 512, 256
"""The workload: groups per step, members per group, tokens per prefix and per suffix, and sampled tokens of these."""


@dataclass(frozen=True)
class Model:
    """The shape of a decoder, from its config.json."""

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    mlp: int
    tied: bool = False
    experts: int = 0
    chosen: int = 0
    head: int = 128
    vocab: int = 151_936

    def parameters(self, experts: int) -> int:
        """Return the parameters with this many experts per layer (1: a dense mlp)."""
        attention = 2 * self.width * self.head * (self.heads + self.kv_heads)
        mlp = 3 * self.width * self.mlp * experts + self.width * self.experts
        norms = 2 * self.width + 2 * self.head
        embeddings = self.vocab * self.width * (1 if self.tied else 2)
        return self.layers * (attention + mlp + norms) + embeddings + self.width

    @property
    def all(self) -> int:
        """All parameters."""
        return self.parameters(self.experts or 1)

    @property
    def active(self) -> int:
        """The parameters used per token."""
        return self.parameters(self.chosen or 1)

    @property
    def cache(self) -> int:
        """Bytes of one token's keys and values in bfloat16."""
        return 2 * 2 * self.layers * self.kv_heads * self.head


@dataclass(frozen=True)
class Machine:
    """A machine and its published figures, per device."""

    name: str
    devices: int
    per_host: int
    memory: float
    """Bytes."""
    flops: float
    """Dense bfloat16 operations per second."""
    bandwidth: float
    """Bytes per second of memory."""
    link: float
    """Bytes per second to the other devices, one way, at the narrowest point of the mesh."""


MODELS = (
    Model("Qwen3-1.7B", 28, 2048, 16, 8, 6144, tied=True),
    Model("Qwen3-8B", 36, 4096, 32, 8, 12_288),
    Model("Qwen3-32B", 64, 5120, 64, 8, 25_600),
    Model("Qwen3-30B-A3B", 48, 2048, 32, 4, 768, experts=128, chosen=8),
)
MACHINES = (
    # Links one way: half of 400 GB/s on v5e, half of 600 GB/s on v5p, half of 900 GB/s NVLink, 400 Gb/s between nodes.
    Machine("v5e-8", 8, 8, 16e9, 197e12, 819e9, 200e9),
    Machine("v5p-32", 16, 4, 95e9, 459e12, 2765e9, 300e9),
    Machine("8xH100", 8, 8, 80e9, 989e12, 3350e9, 450e9),
    Machine("64xH100", 64, 8, 80e9, 989e12, 3350e9, 50e9),
)


@dataclass(frozen=True)
class Plan:
    """A model on a machine: bytes per device, and seconds per step."""

    state: float
    copy: float
    caches: float
    prefill: float
    decode: float
    update: float
    sent: float
    """Bytes that a device exchanges in an update: weights gathered twice, gradients scattered."""
    link: float

    def fits(self, machine: Machine) -> bool:
        """Return whether state, copy and caches leave a tenth of the memory for activations."""
        return self.state + self.copy + self.caches <= 0.9 * machine.memory


def plan(model: Model, machine: Machine) -> Plan:
    """Compute the figures of one model on one machine."""
    devices, groups = machine.devices, GROUPS / machine.devices
    members = groups * MEMBERS
    prefixes, suffixes = GROUPS * PREFIX, GROUPS * MEMBERS * SUFFIX
    # Decoding reads a copy per device where that is small (`jaxrlvr/runtime/devices.py`), else one sharded per host.
    whole = 2 * model.all
    copy = whole if whole <= machine.memory / 4 else whole / machine.per_host
    per_prefix, per_suffix = PREFIX * model.cache, SUFFIX * model.cache
    # Attention: 4 operations per head width, query and key; causal within a prefix, half of the suffix on average.
    keys = 4 * model.layers * model.heads * model.head
    attend_prefix = keys * prefixes * PREFIX / 2
    attend_suffix = keys * suffixes * (PREFIX + SUFFIX / 2)
    # A decoding step reads the weights, each group's prefix once, and half of the members' suffixes on average; this
    # many members reach every expert.
    bytes_a_step = copy + groups * per_prefix + members * per_suffix / 2
    flops_a_step = members * (2 * model.active + keys * (PREFIX + SUFFIX / 2))
    decode = SAMPLED * max(bytes_a_step / machine.bandwidth, flops_a_step / machine.flops)
    prefill = (prefixes * 2 * model.active + attend_prefix) / devices / machine.flops
    forward = (prefixes + suffixes) * 2 * model.active + attend_prefix + attend_suffix
    # Forward, backward (twice the cost), and forward again since activations are recomputed.
    update = 4 * forward / devices / machine.flops
    # bfloat16 weights gathered forward and backward, float32 gradients scattered.
    sent = (2 + 2 + 4) * model.all * (devices - 1) / devices
    return Plan(
        state=16 * model.all / devices,
        copy=copy,
        caches=groups * per_prefix + members * per_suffix,
        prefill=prefill,
        decode=decode,
        update=update,
        sent=sent,
        link=sent / machine.link,
    )


def main() -> None:
    """Print the tables."""
    print("\n".join(tables()))


def tables() -> list[str]:
    """Return the tables as lines of Markdown."""
    lines = ["| model | parameters | active per token | cache per token |", "| --- | --- | --- | --- |"]
    for model in MODELS:
        lines.append(
            f"| {model.name} | {model.all / 1e9:.2f}e9 | {model.active / 1e9:.2f}e9 | {model.cache / 1024:.0f} KiB |"
        )
    head = "| model | machine | state | copy | caches | fits | prefill | decode | update | sent | link time |"
    lines += ["", head, "|" + " --- |" * 11]
    for model in MODELS:
        for machine in MACHINES:
            cell = plan(model, machine)
            sizes = [f"{size / 1e9:.1f} GB" for size in (cell.state, cell.copy, cell.caches)]
            times = [f"{seconds:.2f} s" for seconds in (cell.prefill, cell.decode, cell.update)]
            rest = [f"{cell.sent / 1e9:.1f} GB", f"{cell.link:.2f} s"]
            fits = "yes" if cell.fits(machine) else "no"
            lines.append("| " + " | ".join([model.name, machine.name, *sizes, fits, *times, *rest]) + " |")
    return lines


if __name__ == "__main__":
    main()
