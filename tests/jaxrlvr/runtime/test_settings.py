"""Laws of settings: written down and read back, limits, and the rules by which a resumed run may change them."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jaxrlvr.config import RunConfig
from jaxrlvr.imitation.stages import SFTConfig
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.runtime.devices import MeshConfig
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import (
    check_limits,
    declare,
    differences,
    former_names,
    from_json,
    names,
    resume_rule,
    sections,
    setting,
    to_json,
)

CONFIGS = Path(__file__).parents[3] / "configs"
EARLIER = Path(__file__).parents[2] / "earlier"


def test_config__comes_back_from_json_as_it_was(tiny_run):
    assert from_json(to_json(tiny_run), RunConfig) == tiny_run
    changed = replace(tiny_run, policy=PolicyConfig(model="x", mesh=MeshConfig(tensor=2)), seed=-1)
    assert from_json(to_json(changed), RunConfig) == changed != tiny_run


def test_config__of_the_default_comes_back_too():
    config = load_config(str(CONFIGS / "tiny.py"), RunConfig)
    assert from_json(to_json(config), RunConfig) == config


def test_config__of_supervised_training_comes_back_too():
    config = load_config(str(CONFIGS / "seed.py"), SFTConfig)
    assert config.shape is not None and len(config.stages) == 3
    assert from_json(to_json(config), SFTConfig) == config
    changed = replace(config, shape=None, stages=(replace(config.stages[0], steps=7), *config.stages[1:]))
    assert from_json(to_json(changed), SFTConfig) == changed
    assert differences(config, replace(changed, shape=config.shape)) == ["stages.0.steps"]
    assert differences(config, changed) == ["stages.0.steps", "shape"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("stages",), 3, "stages is 3, expected tuple"),
        (("stages", 0, "steps"), "x", "stages.0.steps is 'x', expected int"),
        (("stages", 0, "splits", 0), ["train"], r"stages.0.splits.0 is \['train'\], expected tuple"),
        (("shape",), 3, "shape is 3, expected an object of settings"),
        (("stages", 0, "colour"), 1, "does not know: stages.0.colour"),
        (("stages", 0), {"name": "x"}, "config.json lacks stages.0.steps, stages.0.optimizer"),
    ],
    ids=str,
)
def test_json__of_supervised_training_with_a_wrong_value_names_its_path(path, value, message):
    stored = json.loads(to_json(load_config(str(CONFIGS / "seed.py"), SFTConfig)))
    inner = stored
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(UserError, match=message) as raised:
        from_json(json.dumps(stored), SFTConfig)
    assert "\n" not in str(raised.value)


def test_json__with_unknown_keys_is_refused_by_their_names(tiny_run):
    stored = json.loads(to_json(tiny_run))
    stored["grpo"]["speed"], stored["colour"] = 1, 2
    with pytest.raises(UserError, match="keys that this version does not know: colour"):
        from_json(json.dumps(stored), RunConfig)
    del stored["colour"]
    with pytest.raises(UserError, match=r"does not know: grpo\.speed"):
        from_json(json.dumps(stored), RunConfig)


def test_json__of_an_older_version_takes_the_defaults_of_new_fields(tiny_run):
    stored = json.loads(to_json(tiny_run))
    del stored["grpo"]["kl_beta"]
    assert from_json(json.dumps(stored), RunConfig) == tiny_run


@dataclasses.dataclass(frozen=True)
class Limited:
    """Numbers with every kind of limit."""

    count: int = setting(3, at_least=1)
    share: float = setting(0.5, above=0, at_most=1)
    rate: float = setting(0.5, at_least=0, at_most=1)
    cap: float = dataclasses.field(default=2.0, metadata=declare(at_most=9))
    free: float = -1.0
    switch: bool = setting(False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "--part.count 0 is out of range: use 1 or more"),
        ({"share": 0.0}, "--part.share 0.0 is out of range: use a number above 0, at most 1"),
        ({"share": 1.5}, "--part.share 1.5 is out of range: use a number above 0, at most 1"),
        ({"rate": -0.5}, "--part.rate -0.5 is out of range: use 0 to 1"),
        ({"cap": 10.0}, "--part.cap 10.0 is out of range: use 9 or less"),
        ({"cap": float("-inf")}, "--part.cap -inf is out of range: use 9 or less"),
        ({"rate": float("nan")}, "--part.rate nan is out of range: use 0 to 1"),
    ],
    ids=str,
)
def test_check_limits__names_the_option_and_the_allowed_values(changes, message):
    with pytest.raises(UserError) as raised:
        check_limits(Limited(**changes), "part.")
    assert str(raised.value) == message


def test_check_limits__takes_the_limits_themselves_and_numbers_without_any():
    for changes in ({"count": 1}, {"share": 1.0}, {"rate": 0.0}, {"rate": 1.0}, {"cap": 9.0}, {"free": float("nan")}):
        check_limits(Limited(**changes))


def test_run_config__declares_limits_for_every_number():
    for prefix, section in sections(RunConfig()):
        for part in dataclasses.fields(section):
            if type(getattr(section, part.name)) in (int, float):
                assert {"at_least", "above"} & set(part.metadata), prefix + part.name


HARMLESS = """about steps checkpoint_every keep_checkpoints evaluation.tasks evaluation.every evaluation.batch
guards.mismatch_kl guards.mismatch_gap guards.explode guards.max_skipped guards.max_faults guards.stall_seconds
""".split()
ROUNDING = """policy.mesh.data policy.mesh.fsdp policy.mesh.tensor policy.sampling_mesh.data policy.sampling_mesh.fsdp
policy.sampling_mesh.tensor policy.remat policy.attention learner.micro_groups learner.suffix_buckets
learner.row_buckets rollout.prefix_buckets rollout.answer_chunk rollout.return_fraction rollout.slots
rollout.share_prefixes
""".split()


def test_resume_rule__of_a_training_run():
    rules = {name: resume_rule(RunConfig(), name) for name in names(RunConfig())}
    assert sorted(name for name, rule in rules.items() if rule == "harmless") == sorted(HARMLESS)
    assert sorted(name for name, rule in rules.items() if rule == "rounding") == sorted(ROUNDING)


def test_resume_rule__of_supervised_training_allows_more_steps_of_the_last_stage():
    config = load_config(str(CONFIGS / "seed.py"), SFTConfig)
    rules = {name: resume_rule(config, name) for name in names(config)}
    harmless = ["stages.2.steps", "checkpoint_every", "keep_checkpoints", "stall_seconds"]
    assert [name for name, rule in rules.items() if rule == "harmless"] == [*harmless[1:], harmless[0]]
    rounding = ["micro_batch", "prefix_buckets", "suffix_buckets"]
    assert [name for name, rule in rules.items() if rule == "rounding"] == rounding
    assert resume_rule(config, "stages.0.steps") == resume_rule(config, "shape") == "refused"


def test_json__of_an_earlier_version_is_read_by_its_old_names_and_written_by_the_new():
    config = from_json((EARLIER / "train_config.json").read_text(), RunConfig)
    rollout = config.rollout
    assert (rollout.slots, rollout.return_fraction, rollout.untagged_calls) == (6, 0.75, True)
    assert rollout.trace_reward_scenarios == ("jira_create_issue",)
    assert differences(config, from_json(to_json(config), RunConfig)) == []
    assert not {name.split(".")[-1] for name in former_names(config)} & set(json.loads(to_json(config))["rollout"])
    today = load_config(str(CONFIGS / "qwen25_coder_0p5b.py"), RunConfig)
    changed = ["rollout.trace_reward_scenarios", "rollout.return_fraction", "rollout.slots"]
    assert differences(today, config) == changed
    seed = from_json((EARLIER / "sft_config.json").read_text(), SFTConfig)
    assert seed == load_config(str(CONFIGS / "seed.py"), SFTConfig)


def test_json__with_an_old_name_beside_the_new_one_is_refused():
    stored = json.loads(to_json(RunConfig()))
    stored["rollout"]["places"] = 3
    with pytest.raises(UserError, match=r"does not know: rollout\.places"):
        from_json(json.dumps(stored), RunConfig)
