"""Laws of the guards: when they warn, skip an update or end the run, and that each message says what to do."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from jaxrlvr.learning.batch import empty
from jaxrlvr.monitoring import guards
from jaxrlvr.monitoring.guards import GuardConfig
from jaxrlvr.rollout.trajectory import Group, Trajectory
from jaxrlvr.runtime.errors import RunStopped
from jaxrlvr.storage.progress import Progress

CONFIG = GuardConfig()


def gap(kl=0.0, largest=0.0):
    return {"update/behaviour_kl": kl, "update/behaviour_gap_max": largest}


def mismatch(progress, figures, config=CONFIG, dtype="float32", corrected=False):
    return guards.check_mismatch(progress, figures, guards.mismatch_limits(config, dtype, corrected))


def test_mismatch__warns_at_first_and_then_stops_with_what_to_check():
    progress = Progress()
    for _ in range(guards.MAX_MISMATCHED - 1):
        assert "disagree: KL 1.0e-01 (limit 1e-05)" in mismatch(progress, gap(kl=0.1))
    with pytest.raises(RunStopped, match="in 3 steps in a row. Check .*--policy.compute-dtype"):
        mismatch(progress, gap(kl=0.1))


def test_mismatch__a_good_step_begins_the_count_again():
    progress = Progress()
    for _ in range(4):
        assert mismatch(progress, gap(largest=1.0))
        assert mismatch(progress, gap(kl=1e-9, largest=1e-5)) == ""


@pytest.mark.parametrize("figures", [gap(kl=math.nan), gap(largest=math.nan), gap(largest=math.inf)])
def test_mismatch__of_what_is_no_number_is_a_mismatch(figures):
    assert mismatch(Progress(), figures)


def test_mismatch__has_its_limit_by_what_is_computed_in_or_by_the_setting():
    rounding = gap(kl=5e-4, largest=0.5)
    assert mismatch(Progress(), rounding) and not mismatch(Progress(), rounding, dtype="bfloat16")
    assert not mismatch(Progress(), rounding, replace(CONFIG, mismatch_kl=1e-3, mismatch_gap=1.0))
    strict = replace(CONFIG, mismatch_gap=1e-4)
    assert mismatch(Progress(), gap(largest=2e-4), strict) and not mismatch(Progress(), gap(largest=2e-4))


def test_mismatch__that_the_objective_corrects_for_only_warns():
    progress = Progress()
    assert all(mismatch(progress, gap(kl=1.0), corrected=True) for _ in range(2 * guards.MAX_MISMATCHED))


def update(norm=1.0, skipped=0.0):
    return {"update/grad_norm": norm, "update/skipped": skipped}


def test_norm_limit__is_a_multiple_of_the_median_once_enough_is_known():
    progress = Progress()
    for step in range(guards.MIN_NORMS):
        assert guards.norm_limit(progress, CONFIG) == math.inf
        assert guards.check_update(progress, step, update(norm=2.0 + (step == 3) * 50), CONFIG) == ""
    assert guards.norm_limit(progress, CONFIG) == 200.0
    assert guards.norm_limit(progress, replace(CONFIG, explode=0)) == math.inf


def test_norm_limit__learns_nothing_from_skipped_steps_and_from_steps_without_signal():
    progress = Progress()
    guards.check_update(progress, 1, update(norm=0.0), CONFIG)
    guards.check_update(progress, 2, update(norm=math.nan, skipped=1.0), CONFIG)
    assert progress.norms == [] and progress.skipped == [2]
    for step in range(3, 100):
        guards.check_update(progress, step, update(norm=float(step)), CONFIG)
    assert progress.norms == [float(step) for step in range(100 - guards.NORM_HISTORY, 100)]


def test_updates__skipped_ones_are_said_and_too_many_end_the_run():
    progress = Progress(norms=[1.0] * guards.MIN_NORMS)
    assert "step 1: update skipped, its gradient norm nan is not finite" in guards.check_update(
        progress, 1, update(math.nan, 1.0), CONFIG
    )
    assert "is over 100 times the median" in guards.check_update(progress, 2, update(1e9, 1.0), CONFIG)
    sound = guards.check_update(progress, 3, update(1.0, 1.0), CONFIG)
    assert "its gradient norm 1 is sound but the optimizer's change is not finite" in sound
    guards.check_update(progress, 4, update(math.inf, 1.0), CONFIG)
    with pytest.raises(RunStopped, match="5 of the last 20 updates were skipped: lower --optimizer.learning-rate"):
        guards.check_update(progress, 5, update(math.inf, 1.0), CONFIG)


def test_updates__skipped_long_ago_do_not_count():
    progress = Progress(skipped=[1, 2, 3, 4])
    assert guards.check_update(progress, 24, update(math.nan, 1.0), CONFIG)
    assert progress.skipped == [1, 2, 3, 4, 24]


def test_save_batches__reads_back_as_it_was(tmp_path):
    batches = [empty(2, 3, 4, 5, 7), empty(1, 3, 4, 6, 8, rows=2)]
    with np.load(guards.save_batches(tmp_path / "skipped", 12, batches)) as arrays:
        assert arrays["0/suffix_BGT"].shape == (2, 3, 5) and (arrays["1/prefix_BP"] == 8).all()
        assert arrays["1/packed.tokens_BRS"].shape == (1, 2, 6)
        fields = len(batches[0]) - 1  # `packed` is None, or four arrays
        assert len(arrays.files) == 2 * fields + 4


def groups(failed, members=20):
    task = SimpleNamespace(scenario="a", split="train", seed=7)
    fault = 'Traceback\n  File "x.py"\nKeyError: 3'
    trajectories = [
        Trajectory(None, stop="fault" if n < failed else "done", fault=fault * (n < failed)) for n in range(members)
    ]
    return [Group(task, [1], trajectories)]


def test_faults__a_few_are_said_with_the_first_error():
    assert guards.check_faults(groups(0), CONFIG) == ""
    warning = guards.check_faults(groups(2), CONFIG)
    assert warning == "2 of 20 simulators failed and teach nothing; the first (a, train task 7): KeyError: 3"


def test_faults__above_the_rate_end_the_run_with_the_first_traceback():
    with pytest.raises(RunStopped, match=r'(?s)3 of 20 simulators failed.*a, train task 7.*File "x.py"\nKeyError: 3'):
        guards.check_faults(groups(3), CONFIG)


def test_check_step__returns_every_warning():
    figures = gap(kl=1.0) | update(math.nan, 1.0)
    limits = guards.mismatch_limits(CONFIG, "float32", corrected=False)
    assert len(guards.check_step(Progress(), 1, figures, groups(1), CONFIG, limits)) == 3
    assert guards.check_step(Progress(), 1, gap() | update(), groups(0), CONFIG, limits) == []


def test_progress__comes_back_from_its_notes():
    progress = Progress([1.5], [3], 2, {"a@1": [0.25, 4.0]})
    assert Progress.from_notes(progress.to_notes()) == progress
    assert Progress.from_notes({}) == Progress()
