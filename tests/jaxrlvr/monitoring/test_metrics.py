"""Laws of a step's figures, on groups made by hand."""

import json
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.learning.batch import empty
from jaxrlvr.learning.learner import UpdateStats
from jaxrlvr.learning.objective import GroupStats, LossStats
from jaxrlvr.monitoring.console_lines import health_line, scenario_line, step_line
from jaxrlvr.monitoring.metrics import (
    MACHINE_DEPENDENT,
    CompileCounter,
    MetricsLog,
    advantage_figures,
    host_share,
    machine_figures,
    peak_rss_bytes,
    rollout_figures,
    update_figures,
)
from jaxrlvr.rollout.trajectory import STOPS, Group, Trajectory
from jaxrlvr.runtime.timing import timed


def member(reward, stop="done", sampled=(True, True, False), turns=1, errors=(), name="read"):
    trace = [SimpleNamespace(name=name, error=error) for error in errors]
    verdict = None if reward is None else SimpleNamespace(reward=reward, success=reward == 1.0)
    n = len(sampled)
    return Trajectory(SimpleNamespace(trace=trace), [0] * n, list(sampled), [0.0] * n, turns, stop, "", verdict)


def asking(scenario, *names):
    """A task whose oracle makes calls of these names: "read" or "write"."""
    plan = tuple(SimpleNamespace(name=name) for name in names)
    return SimpleNamespace(
        scenario=scenario, oracle=plan, any_writes=lambda calls: any(call.name == "write" for call in calls)
    )


@pytest.fixture
def figures():
    groups = [
        Group(
            asking("a", "write"),
            [1],
            [member(1.0), member(0.5, "turn_limit", (True,) * 5, 2, ("refused", "", "refused", "malformed_json"))],
        ),
        Group(asking("b", "write"), [1], [member(0.25), member(0.25, "max_turns", turns=3)]),
        Group(
            asking("b", "write"),
            [1],
            [member(None, "fault", errors=("refused",)), member(0.0)],
        ),
    ]
    return rollout_figures(groups)


def test_figures__reward_and_success_are_means_over_valid_members(figures):
    assert figures["reward"] == pytest.approx(2.0 / 5) and figures["success"] == pytest.approx(1 / 5)
    assert figures["reward/a"] == pytest.approx(0.75) and figures["success/a"] == 0.5
    assert figures["reward/b"] == pytest.approx(0.5 / 3) and figures["success/b"] == 0


def test_figures__a_group_is_useful_when_its_rewards_differ(figures):
    assert figures["groups/useful"] == pytest.approx(1 / 3)


def test_figures__count_tokens_and_turns(figures):
    assert figures["tokens/sampled"] == 5 * 2 + 5
    assert figures["tokens/suffix"] == pytest.approx((5 * 3 + 5) / 6)
    assert figures["turns"] == pytest.approx((1 + 2 + 1 + 3 + 1 + 1) / 6)


def test_figures__stops_are_shares_that_sum_to_one(figures):
    assert figures["stop/done"] == pytest.approx(3 / 6) and figures["stop/fault"] == pytest.approx(1 / 6)
    assert figures["stop/length"] == 0
    for scenario in ("", "/a", "/b"):
        assert sum(figures[f"stop/{stop}{scenario}"] for stop in STOPS) == pytest.approx(1)
    assert figures["stop/turn_limit/a"] == 0.5 and figures["stop/fault/b"] == 0.25 and figures["stop/fault/a"] == 0


def test_figures__count_the_calls_errors_of_valid_members_by_kind(figures):
    errors = {name: value for name, value in figures.items() if name.startswith("call_error/")}
    kinds = {"call_error/malformed_json": 1, "call_error/refused": 2}
    assert errors == kinds | {f"{name}/a": count for name, count in kinds.items()}


def test_figures__say_of_each_scenario_what_its_groups_teach(figures):
    shares = {kind: figures[f"groups/{kind}"] for kind in ("useful", "flat_high", "flat_low")}
    assert shares == {"useful": pytest.approx(1 / 3), "flat_high": 0, "flat_low": pytest.approx(2 / 3)}
    assert figures["groups/useful/a"] == 1 and figures["groups/flat_low/b"] == 1
    assert figures["truncated/a"] == 0.5 and figures["truncated/b"] == 0.25
    assert figures["length/a"] == 3.5 and figures["turns/b"] == pytest.approx(6 / 4)
    assert figures["calls/failed/a"] == 1.5 and figures["calls/formed/a"] == 0.5
    assert figures["surprise/a"] == 0


def test_figures__groups_that_all_solve_are_flat_high():
    solved = Group(asking("a", "write"), [1], [member(1.0), member(1.0)])
    assert rollout_figures([solved])["groups/flat_high"] == 1


def test_figures__tasks_without_a_call_show_who_calls_all_the_same():
    idle = asking("a")
    group = Group(idle, [1], [member(1.0), member(0.0, errors=("",))])
    figures = rollout_figures([group])
    assert figures["overcalling/a"] == 0.5 and figures["calls/formed"] == 0
    assert "a 0.50 (100% mixed, 50% call needlessly)" in scenario_line(figures)


def test_figures__tasks_that_are_read_only_show_who_writes_all_the_same():
    members = [member(1.0, errors=("",)), member(0.0, errors=("", "refused"), name="write"), member(0.0), member(0.0)]
    figures = rollout_figures([Group(asking("a", "read"), [1], members), Group(asking("b", "write"), [1], members)])
    assert figures["overwriting"] == figures["overwriting/a"] == 0.25 and "overwriting/b" not in figures


def test_figures__without_such_tasks_say_nothing_of_overcalling(figures):
    assert not any(name.startswith(("overcalling", "overwriting")) for name in figures)


def test_figures__of_advantages_are_mean_sizes_and_silenced_groups():
    rewards = {"a": (1.0, 0.0), "b": (0.25, 0.0), "c": (0.5, 0.5)}
    groups = [Group(SimpleNamespace(scenario=name), [1], [member(r) for r in two]) for name, two in rewards.items()]
    figures = advantage_figures(groups, np.array([[0.5, -0.5], [0.0, 0.0], [0.0, 0.0]]))
    assert figures == {
        "advantage": pytest.approx(1 / 6), "advantage/a": 0.5, "advantage/b": 0.0, "advantage/c": 0.0,
        "groups/silenced": pytest.approx(1 / 3), "groups/silenced/a": 0, "groups/silenced/b": 1, "groups/silenced/c": 0,
    }  # fmt: skip


def test_figures__of_the_machine_are_all_named_as_such():
    figures = machine_figures(SECONDS | {"tokens/sampled": 30.0})
    assert figures["speed/sampled_tokens"] == 20 and figures["speed/learned_tokens"] == 15
    assert figures["speed/device_share"] == pytest.approx(0.8) and figures["memory/host_bytes"] > 1e6
    assert all(name.startswith(MACHINE_DEPENDENT) for name in figures)


def test_scenario_line__names_each_scenario(figures):
    text = scenario_line(figures)
    assert "a 0.50 (100% mixed, 50% cut off)" in text and "b 0.00" in text and "\n" not in text


def test_health_line__explains_a_step_in_one_line(figures):
    update = {"update/kl": 0.002, "update/clipped_low": 0.015, "update/clipped_high": 0.0, "advantage": 0.25}
    text = health_line(figures | update | {"memory/host_bytes": 2.5e9, "speed/sampled_tokens": 812.4})
    assert "\n" not in text and "kl 2e-03  clipped 1.5% 0.0%" in text and "advantage 0.25" in text
    assert "812 tokens/s  memory 2.5 GB" in text
    mixed, solved, failed = (figures[f"groups/{kind}"] for kind in ("useful", "flat_high", "flat_low"))
    assert f"groups {mixed:.0%} mixed {solved:.0%} all solved {failed:.0%} all failed" in text
    for name, count in figures.items():
        if name.startswith("call_error/") and name.count("/") == 1:
            assert f"{name.split('/')[1]} {count:.0f}" in text.split("  errors ")[1]


def stats():
    means = LossStats(**{name: jnp.float32(n) for n, name in enumerate(LossStats._fields[:-1])})
    return UpdateStats(means, jnp.float32(2.5), jnp.array(True))


def test_figures__of_an_update_are_plain_numbers():
    figures = update_figures(stats(), [empty(2, 3, 16, 12, 0), empty(2, 3, 16, 12, 0, rows=2)])
    assert figures["update/loss"] == 0 and figures["update/entropy"] == 1 and figures["update/behaviour_gap_max"] == 6
    assert figures["update/places"] == 2 * 3 * 12 + 2 * 2 * 12
    assert figures["update/grad_norm"] == 2.5 and figures["update/skipped"] == 1
    assert all(type(value) is float for value in figures.values())
    assert not any(name.count("/") > 1 for name in figures), "an objective need not report groups"


def test_figures__of_scenarios_are_means_of_their_own_tokens():
    groups = GroupStats(
        tokens=np.array([2.0, 6.0, 2.0, 0.0, 0.0], np.float32),
        entropy=np.array([1.0, 3.0, 4.0, 0.0, 0.0], np.float32),
        kl=np.zeros(5, np.float32),
        clipped_low=np.array([1.0, 0.0, 2.0, 0.0, 0.0], np.float32),
        clipped_high=np.zeros(5, np.float32),
        behaviour_kl=np.array([0.5, 0.5, 1.0, 0.0, 0.0], np.float32),
        behaviour_gap_max=np.array([0.1, 0.3, 0.2, 0.0, 0.0], np.float32),
    )
    # The last group is padding; the simulators of c's all failed.
    figures = update_figures(stats()._replace(groups=groups), [], ["a", "b", "a", "c"])
    assert figures["tokens/learned/a"] == 4 and figures["tokens/learned/b"] == 6
    assert figures["update/entropy/a"] == 1.25 and figures["update/entropy/b"] == 0.5
    assert figures["update/clipped_low/a"] == 0.75 and figures["update/behaviour_kl/b"] == pytest.approx(0.5 / 6)
    assert figures["update/behaviour_gap_max/a"] == pytest.approx(0.2) and figures["update/kl/a"] == 0
    assert [name for name in figures if name.endswith("/c")] == ["tokens/learned/c"] and figures[
        "tokens/learned/c"
    ] == 0


def test_scenario_line__tells_entropy_and_who_is_cut_off(figures):
    text = scenario_line(figures | {"update/entropy/a": 0.126, "update/entropy/b": 0.5})
    assert "a 0.50 (100% mixed, entropy 0.13, 50% cut off)" in text and "entropy 0.50, 25% cut off" in text


SECONDS = {"seconds/sample": 1.5, "seconds/host": 0.5, "seconds/pack": 0.25, "seconds/update": 2.0}


def test_step_line__is_one_line_of_every_steps_figures(figures):
    timing = SECONDS | {"compiles": 3.0, "speed/sample_utilisation": 0.021, "speed/update_utilisation": 0.3}
    text = step_line(3, 40, {**figures, **update_figures(stats(), []), **timing})
    assert "\n" not in text and "reward 0.400" in text and "  3/40" in text and "host 20%  of peak 2.1% 30%" in text


def test_host_share__is_what_the_device_waited(figures):
    assert host_share(SECONDS) == pytest.approx((0.5 + 0.25) / 3.75)


def test_log__drops_the_steps_that_will_be_made_again(tmp_path):
    log = MetricsLog(tmp_path, resume_from=0)
    for step in (1, 2, 3):
        log.write(step, {"reward": step / 10})
    log.close()
    log = MetricsLog(tmp_path, resume_from=2)
    log.write(3, {"reward": 0.9})
    log.close()
    lines = [json.loads(text) for text in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["reward"]) for line in lines] == [(1, 0.1), (2, 0.2), (3, 0.9)]
    assert list((tmp_path / "tensorboard").glob("events*"))


def test_log__survives_a_line_that_was_cut_off(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "reward": 0.1}\n{"step": 2, "rew')
    log = MetricsLog(tmp_path, resume_from=1)
    log.write(2, {"reward": 0.2})
    log.close()
    assert [json.loads(text)["step"] for text in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 2]


def test_compile_counter__counts_new_programs_and_no_old_ones():
    counter = CompileCounter()
    double = jax.jit(lambda x: x * 2 + 1)
    double(np.ones(3))
    first = counter.count
    assert first >= 1 and counter.seconds > 0
    double(np.zeros(3))
    assert counter.count == first
    double(np.ones(4))
    assert counter.count > first


def test_timed__adds_the_seconds_of_the_block(monkeypatch):
    clock = iter([10.0, 10.5, 20.0, 20.25])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    figures = {}
    for _ in range(2):
        with timed(figures, "seconds/x"):
            pass
    assert figures == {"seconds/x": 0.75}


def test_peak_rss__is_in_bytes():
    assert 50e6 < peak_rss_bytes() < 1e12
