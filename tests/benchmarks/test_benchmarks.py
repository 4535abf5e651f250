"""Laws of the benchmarks: the smallest sizes run, the last line is JSON; the page is what is computed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


def figures(script: str, *arguments: str) -> dict[str, Any]:
    """Return the last line of a benchmark's output, parsed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def options(values: dict[str, int]) -> list[str]:
    """Return the command-line arguments of `values`."""
    return [text for name, value in values.items() for text in (f"--{name}", str(value))]


def test_decode__smallest_size_gives_speeds_of_both_forms() -> None:
    small = ["--prompt", "16", "--generate", "4", "--batch", "2", "--shared", "16", "--members", "2", "--repeats", "1"]
    row = figures("decode.py", "--no-peers", *small)
    assert row["batch_2"]["ours"]["per_cpu_second"] > 0
    shared = row["shared_16"]
    assert shared["cpu_ratio"] == shared["grouped"]["per_cpu_second"] / shared["ungrouped"]["per_cpu_second"]


def test_mismatch__a_fault_stands_out_of_rounding_in_float32() -> None:
    small = ["--dtype", "float32", "--temperature", "1.0", "--tasks", "4", "--turn-tokens", "16"]
    row = figures("mismatch.py", *small)["seed, float32, 1.0"]
    assert 0 < row["kl"] < 1e-9 < row["wrong_kl"] and row["gap"] < 1e-3 < row["wrong_gap"] and row["tokens"] > 100


def test_end_to_end__parts_make_up_a_step() -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from end_to_end import split
    finally:
        sys.path.pop(0)
    parts = split({"seconds/sample": 3.0, "seconds/host": 0.5, "seconds/pack": 0.25, "seconds/update": 2.0})
    assert parts == {
        "sample": 2.5, "score": 0.25, "update": 2.0, "host": 0.5, "step_seconds": 5.25, "host_share": 0.75 / 5.25
    }  # fmt: skip


def test_ahead__counts_what_the_learner_waits_for() -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from ahead import step_seconds
    finally:
        sys.path.pop(0)
    in_turn = {"seconds/sample": 3.0, "seconds/pack": 0.25, "seconds/update": 2.0}
    assert step_seconds(in_turn) == 5.25
    assert step_seconds({**in_turn, "seconds/wait": 1.0}) == 3.25


def test_prefixes__smallest_size_gives_the_same_keys_for_fewer_positions() -> None:
    small = {"groups": 4, "members": 2, "shared": 100, "rest": 8, "layers": 1, "width": 64, "repeats": 1}
    row = figures("prefixes.py", *options(small))
    assert row["positions"] == 4 * 128 / (128 + 4 * 8) and row["key_gap"] < 1e-4 and row["hidden_gap"] < 1e-4


def test_outcome_gate__reads_what_runs_left_and_makes_none_again(tmp_path: Path) -> None:
    scores = {way: {name: {"reward": reward} for name in "ab"} for way, reward in (("greedy", 0.75), ("sampled", 0.5))}
    for seed in (0, 1):
        for mode in ("off", "always"):
            run = tmp_path / f"seed-{seed}-{mode}"
            run.mkdir()
            (run / "summary.json").write_text("{}")
            (run / "after.json").write_text(json.dumps(scores))
            gone = {"off": 0.0, "always": 0.25}[mode]
            lines = [{"success": seed, "groups/silenced": silenced} for silenced in (2 * gone, 0.0)]
            (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = figures("outcome_gate.py", "--out", str(tmp_path), "--seeds", "0", "1", "--modes", "off", "always")
    assert summary["modes"]["always"][1] == {"greedy": 0.75, "sampled": 0.5, "training": 1, "silenced": 0.25}
    assert [seed_row["silenced"] for seed_row in summary["modes"]["off"]] == [0, 0]


def test_scaling__the_page_holds_what_is_computed() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "scaling.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() and set(printed.splitlines()) <= set((ROOT / "docs" / "scaling.md").read_text().splitlines())


def test_train_step__both_forms_have_one_loss_and_gradient() -> None:
    small = {"prefix": 24, "suffix": 8, "members": 2, "layers": 1, "width": 64, "repeats": 1}
    row = figures("train_step.py", "--no-peers", *options(small))
    assert row["over_naive"]["loss_difference"] < 1e-5
    assert row["over_naive"]["gradient_difference"] < 1e-4
    assert row["over_naive"]["ratio"] == row["naive"]["wall"] / row["grouped"]["wall"]


def test_packing__shared_rows_have_the_same_loss_and_gradient() -> None:
    small = {"prefix": 24, "suffix": 16, "shortest": 2, "members": 4, "layers": 1, "width": 64, "repeats": 1}
    row = figures("packing.py", *options(small))
    assert row["rows"] < 4 and row["loss_difference"] < 1e-5 and row["gradient_difference"] < 1e-4


def test_agentic__a_step_samples_every_turn_and_compiles_nothing() -> None:
    small = {"groups": 1, "members": 2, "turns": 2, "prompt": 16, "budget": 128, "repeats": 2}
    row = figures("agentic.py", "--no-peers", *options(small))
    assert row["ours"]["compiles"] == 0
    assert 4 <= row["ours"]["tokens"] <= 2 * 128


def test_gpu__smallest_size_runs_every_part() -> None:
    parts = figures("gpu.py", "--size", "smallest", "--remat", "none", "--repeats", "1", "--no-peers")["smallest"]
    assert not [part for part, row in parts.items() if "error" in row], parts
    rates, members = parts["rates"], parts["decode"]["members"]["8"]
    floor = members["members"] * rates["bytes"] / members["bytes_per_token_of_all"]
    assert members["of_floor"] == members["per_wall_second"] / floor
    for form in ("grouped", "naive"):
        row = parts["train_none"][form]
        assert row["utilisation"] == row["flops"] / row["wall"] / rates["flops"]
    assert parts["train_none"]["over_naive"]["loss_difference"] < 0.02
    assert abs(parts["step"]["behaviour_kl"]) < 1e-3


def test_gpu__refuses_a_large_size_without_an_accelerator() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--size", "0.6b", "--repeats", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "use --size smallest" in result.stderr.splitlines()[-1]
