"""The oracle of every task fits the limits of its run, and a run in which it does not says so."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import envs
from jaxrlvr.config import RunConfig
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.preflight.oracle_fit import why_unsolvable
from jaxrlvr.rollout.policy import PolicyConfig, inspect_model

FOLDER = Path(__file__).parents[3] / "configs"
CONFIGS = [path for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "seed")]
"""Configs of `train`; the other one is of `sft`."""


@pytest.fixture(scope="module")
def chat():
    return inspect_model(PolicyConfig())[2]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs__that_are_shipped_hold_their_oracles(path, chat):
    config = load_config(str(path), RunConfig)
    assert why_unsolvable(config, None if config.policy.model else chat) == ""


@pytest.mark.parametrize("scenario", sorted(envs.SCENARIOS))
@pytest.mark.parametrize("difficulty", [1, 3])
def test_scenarios__fit_the_turns_of_a_real_checkpoints_config_but_the_longest(scenario, difficulty):
    config = load_config(str(FOLDER / "qwen3_0p6b.py"), RunConfig)
    config = replace(config, tasks=replace(config.tasks, scenarios=(scenario,), difficulty=difficulty))
    problem = why_unsolvable(config, None)
    assert problem == "" or (scenario == "jira_move_three_hops" and "needs 7 turns" in problem)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"max_turns": 3}, "confluence_create_page cannot be solved here: its oracle needs 4 turns"),
        (
            {"turn_tokens": 12},
            "jira_create_issue cannot be solved here: a turn of its oracle has .* use [0-9]+ or",
        ),
        (
            {"suffix_buckets": (64, 96)},
            "its oracle's turns and their answers have [0-9]+ tokens, .* add one of",
        ),
    ],
)
def test_why_unsolvable__names_the_scenario_the_need_and_the_limit(limits, problem, chat):
    config = load_config(str(FOLDER / "tiny.py"), RunConfig)
    config = replace(config, rollout=replace(config.rollout, **limits))
    assert re.search(problem, why_unsolvable(config, chat))
