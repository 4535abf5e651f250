"""Decoding, training and whole GRPO steps on one accelerator: `python benchmarks/gpu.py [--size 0.6b 1.7b]`.

Uses random bfloat16 weights with the shapes of Qwen3-0.6B and 1.7B. Each part runs in its own process, so that parts do
not share memory; a part that fails is reported as an error and the others continue.

rates    FLOP/s of a bfloat16 matrix product and bytes/s of a copy: the reference for the other parts
decode   groups of 8 on prompts of 1536: tokens per second relative to the bound at which one token of all members costs
         one read of the weights and the live cache at the copy's rate; 64 members also as 64 groups of one
train    one group's gradient, prefix 1536, suffix 512, G = 8: model FLOPs (recomputation does not count) over the
         product's rate; grouped against naive, which repeats the prompt in each of 8 rows
step     64 groups of 8: sample, pack, update with AdamW, everything in bfloat16; prompts of 512, 256 tokens sampled
peers    transformers' `generate` (without log-probs) and a gradient in plain PyTorch on the same card

`--attention reference` disables the platform's kernel (docs/models.md), for comparison. `--size smallest` is a model of
one layer that a CPU runs in seconds: it shows that every part works, not how fast.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

import jax
from gpu_parts import SIZES
from peer import TRANSFORMERS, ask
from train_step import saved

from models.fast_attention import Attention


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["0.6b", "1.7b"])
    parser.add_argument("--remat", nargs="+", choices=("none", "dots", "full"), default=["none", "full"])
    parser.add_argument("--attention", choices=get_args(Attention), default="auto", help="form of attention")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true", help="measure only ours; installs nothing")
    options = parser.parse_args()
    figures: dict[str, Any] = {"options": vars(options), "jax": jax.__version__}
    for name in options.size:
        figures[name] = measure(name, options)
    print(json.dumps(figures))


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure all parts of one size."""
    rates = child(name, "rates", options)
    if "error" in rates:
        raise SystemExit(rates["error"].splitlines()[-1])
    print(f"{name} on {rates['device']}: {rates['flops'] / 1e12:.2f} TFLOP/s, {rates['bytes'] / 1e9:.1f} GB/s")
    figures = {"rates": rates, "decode": child(name, "decode", options)}
    for row in figures["decode"].get("members", {}).values():
        row["of_floor"] = row["per_wall_second"] / (row["members"] * rates["bytes"] / row["bytes_per_token_of_all"])
    with tempfile.TemporaryDirectory() as folder:
        for remat in options.remat:
            figures[f"train_{remat}"] = row = child(name, "train", options, "--remat", remat, "--save", folder)
            for form in ("grouped", "naive"):
                if form in row:
                    row[form]["utilisation"] = row[form]["flops"] / row[form]["wall"] / rates["flops"]
        figures["step"] = row = child(name, "step", options)
        if "flops" in row:
            row["utilisation"] = row["flops"] / row["update"] / rates["flops"]
        if not options.no_peers:
            figures |= peers(name, options, figures, folder)
    for part, row in figures.items():
        print(f"  {part}: {json.dumps(row)}", flush=True)
    return figures


def child(name: str, part: str, options: argparse.Namespace, *more: str) -> dict[str, Any]:
    """Run a part in its own process and return its figures, or {"error": ...} if it fails."""
    script = str(Path(__file__).with_name("gpu_parts.py"))
    arguments = ["--size", name, "--repeats", str(options.repeats), "--attention", options.attention]
    command = [sys.executable, script, part, *arguments, *more]
    completed = subprocess.run(command, capture_output=True, text=True)
    if completed.returncode:
        return {"error": completed.stderr.strip()[-1000:] or f"exit status {completed.returncode}"}
    return json.loads(completed.stdout.splitlines()[-1])


def peers(name: str, options: argparse.Namespace, figures: dict[str, Any], folder: str) -> dict[str, Any]:
    """Measure transformers and PyTorch on the same card, and ours against them where both succeeded."""
    size, device = SIZES[name], "cpu" if figures["rates"]["platform"] == "cpu" else "cuda"
    config, members = size.config, size.decoded[0]
    shape = {"vocab": config.vocab_size, "width": config.hidden_size, "layers": config.num_layers}
    shape |= {"heads": config.num_heads, "kv_heads": config.num_kv_heads, "head": config.head_dim}
    shape |= {"mlp": config.mlp_size, "prompt": size.prefix, "generate": size.suffix, "batch": members}
    where = {"device": device, "dtype": "bfloat16", "repeats": options.repeats}

    def ask_peer(script: str, what: dict[str, Any]) -> dict[str, Any]:
        try:
            return ask("transformers", TRANSFORMERS, script, what | where)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            return {"error": str(error)[-1000:]}

    results: dict[str, Any] = {"transformers_decode": ask_peer("transformers_decode.py", shape | {"logprobs": False})}
    for checkpointing in (False, True):
        results[f"torch_step{'_checkpointing' * checkpointing}"] = ask_peer(
            "torch_step.py", saved(Path(folder)) | {"checkpointing": checkpointing}
        )
    ours = figures["decode"].get("members", {}).get(str(members))
    if ours and "error" not in results["transformers_decode"]:
        ratio = ours["per_wall_second"] / results["transformers_decode"]["per_wall_second"]
        results["transformers_decode"]["ours_is"] = ratio
    best = min((f["grouped"]["wall"] for f in figures.values() if "grouped" in f and "naive" in f), default=None)
    steps = [row for part, row in results.items() if part.startswith("torch_step") and "wall" in row]
    for row in steps if best else ():
        row["ours_is"] = row["wall"] / best
    return results


if __name__ == "__main__":
    main()
