"""A step's figures as lines for the console."""

import re
from collections import defaultdict

from jaxrlvr.monitoring.metrics import host_share
from jaxrlvr.runtime.timing import Figures


def step_line(step: int, steps: int, figures: Figures) -> str:
    """Format a step's main figures: reward, update, seconds and utilisation."""
    return (
        f"step {step:>3}/{steps}  reward {figures['reward']:.3f}  success {figures['success']:.3f}  "
        f"entropy {figures['update/entropy']:.3f}  grad {figures['update/grad_norm']:.2f}  "
        f"gap {figures['update/behaviour_gap_max']:.0e}  tokens {figures['tokens/sampled']:.0f}  "
        f"sample {figures['seconds/sample']:.1f} s  update {figures['seconds/update']:.1f} s  "
        f"host {host_share(figures):.0%}  of peak {figures['speed/sample_utilisation']:.1%} "
        f"{figures['speed/update_utilisation']:.0%}  compiles {figures['compiles']:.0f}"
    )


def health_line(figures: Figures) -> str:
    """Format the figures that explain a step: groups, update, lengths, calls, speed and memory."""
    figure = defaultdict(float, figures)
    refused = figure["calls/failed"] / figure["calls"] if figure["calls"] else 0.0
    text = (
        f"groups {figure['groups/useful']:.0%} mixed {figure['groups/flat_high']:.0%} all solved "
        f"{figure['groups/flat_low']:.0%} all failed  advantage {figure['advantage']:.2f}  "
        f"kl {figure['update/kl']:.0e}  "
        f"clipped {figure['update/clipped_low']:.1%} {figure['update/clipped_high']:.1%}  "
        f"length {figure['length']:.0f}  turns {figure['turns']:.1f}  cut off {figure['truncated']:.0%}  "
        f"calls failed {refused:.0%}  {figure['speed/sampled_tokens']:.0f} tokens/s  "
        f"memory {figure['memory/host_bytes'] / 1e9:.1f} GB"
    )
    errors = {name.split("/")[1]: count for name, count in figures.items() if re.fullmatch("call_error/[^/]+", name)}
    if errors:
        text += "  errors " + " ".join(f"{name} {count:.0f}" for name, count in sorted(errors.items()))
    return text


def scenario_line(figures: Figures) -> str:
    """Format each scenario's success, mixed groups, entropy, members cut off and needless calls."""
    names = [name.split("/", 1)[1] for name in figures if name.startswith("success/")]
    return "  ".join(_scenario(name, figures) for name in names)


def _scenario(name: str, figures: Figures) -> str:
    details = [f"{figures[f'groups/useful/{name}']:.0%} mixed"]
    if (entropy := figures.get(f"update/entropy/{name}")) is not None:
        details.append(f"entropy {entropy:.2f}")
    if cut_off := figures[f"truncated/{name}"]:
        details.append(f"{cut_off:.0%} cut off")
    if (overcalling := figures.get(f"overcalling/{name}")) is not None:
        details.append(f"{overcalling:.0%} call needlessly")
    return f"{name} {figures[f'success/{name}']:.2f} ({', '.join(details)})"
