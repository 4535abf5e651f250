"""Laws of a run's config: written down, read back, changed by name, and wrong names answered with the right ones."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jaxrlvr.config import RunConfig
from jaxrlvr.imitation.stages import SFTConfig
from jaxrlvr.preflight.arguments import apply_arguments
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.runtime.devices import MeshConfig
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import differences, from_json, to_json

CONFIGS = Path(__file__).parents[2] / "configs"


def one_line(raised):
    text = str(raised.value)
    assert "\n" not in text
    return text


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
    ("place", "value", "said"),
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
def test_json__of_supervised_training_with_a_wrong_value_is_refused_by_its_place(place, value, said):
    stored = json.loads(to_json(load_config(str(CONFIGS / "seed.py"), SFTConfig)))
    inner = stored
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(UserError, match=said) as raised:
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


def test_arguments__change_fields_of_any_section(tiny_run):
    changed = apply_arguments(
        tiny_run,
        [
            "--steps",
            "7",
            "--optimizer.learning-rate",
            "0.5",
            "--rollout.suffix-buckets",
            "3",
            "9",
            "--policy.mesh.fsdp=2",
        ],
        "train",
    )
    assert changed.steps == 7 and changed.optimizer.learning_rate == 0.5
    assert changed.rollout.suffix_buckets == (3, 9) and changed.policy.mesh.fsdp == 2
    assert differences(tiny_run, changed) == [
        "steps",
        "policy.mesh.fsdp",
        "rollout.suffix_buckets",
        "optimizer.learning_rate",
    ]


def test_arguments__none_change_nothing(tiny_run):
    assert apply_arguments(tiny_run, [], "train") == tiny_run
    assert differences(tiny_run, tiny_run) == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--optimizer.learning-rat", "--optimizer.learning-rate"),
        ("--learning_rate", "--optimizer.learning-rate"),
        ("--rollout.groupsize=4", "--rollout.group-size"),
        ("--step", "--steps"),
    ],
)
def test_arguments__unknown_key_names_the_nearest(tiny_run, given, meant):
    with pytest.raises(UserError) as raised:
        apply_arguments(tiny_run, [given, "1"], "train")
    assert given.split("=")[0] in one_line(raised) and meant in one_line(raised)


def test_arguments__unknown_key_like_no_other_points_to_help(tiny_run):
    with pytest.raises(UserError, match="unknown argument --zzzzqqqq; --help lists all options"):
        apply_arguments(tiny_run, ["--zzzzqqqq"], "train")


@pytest.mark.parametrize("given", [["--steps", "many"], ["--steps"], ["--policy.compute-dtype", "float8"]])
def test_arguments__value_of_the_wrong_kind_is_refused_in_one_line(tiny_run, given, capsys):
    with pytest.raises(UserError) as raised:
        apply_arguments(tiny_run, given, "train")
    assert given[0] in one_line(raised)
    assert capsys.readouterr() == ("", "")


def test_load_config__names_the_files_that_there_are():
    with pytest.raises(UserError, match=r"no such config file: .*tini\.py; there are .*seed\.py, .*tiny\.py"):
        load_config(str(CONFIGS / "tini.py"), RunConfig)


def test_load_config__of_no_such_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such config file: "):
        load_config(str(tmp_path / "none" / "x.py"), RunConfig)


@pytest.mark.parametrize("text", ["", "def config(): return 3", "config = 3"])
def test_load_config__without_the_function_is_refused(tmp_path, text):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(UserError, match=r"mine\.py has no function config\(\) that returns a RunConfig"):
        load_config(str(file), RunConfig)


def test_load_config__tells_what_goes_wrong_inside_the_function(tmp_path):
    file = tmp_path / "typo.py"
    file.write_text("from jaxrlvr.config import RunConfig\ndef config():\n    return RunConfig(stepps=3)\n")
    with pytest.raises(UserError, match=r"typo.py: config\(\) fails: TypeError: .*stepps"):
        load_config(str(file), RunConfig)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ('steps="10"', "steps is '10' and must be int"),
        ("steps=2.5", "steps is 2.5 and must be int"),
        ("seed=True", "seed is True and must be int"),
        ("guards=3", "guards is 3 and must be GuardConfig"),
        ('policy=PolicyConfig(compute_dtype="float16")', "policy.compute_dtype is 'float16' and must be Literal["),
        ("rollout=RolloutConfig(prefix_buckets=128)", "rollout.prefix_buckets is 128 and must be tuple[int, ...]"),
        ("rollout=RolloutConfig(prefix_buckets=(1, '2'))", "rollout.prefix_buckets is (1, '2') and must be"),
        ("rollout=RolloutConfig(temperature='hot')", "rollout.temperature is 'hot' and must be float"),
    ],
)
def test_load_config__names_every_value_of_the_wrong_kind(tmp_path, made, said):
    file = tmp_path / "kinds.py"
    imports = "from jaxrlvr.config import RunConfig, PolicyConfig, RolloutConfig"
    file.write_text(f"{imports}\ndef config():\n    return RunConfig({made}, run_dir=7)\n")
    with pytest.raises(UserError) as refusal:
        load_config(str(file), RunConfig)
    assert said in str(refusal.value) and "run_dir is 7 and must be str" in str(refusal.value)


def test_load_config__takes_a_whole_number_for_a_float(tmp_path):
    file = tmp_path / "whole.py"
    made = "RunConfig(rollout=RolloutConfig(temperature=1))"
    file.write_text(f"from jaxrlvr.config import RunConfig, RolloutConfig\ndef config():\n    return {made}\n")
    assert load_config(str(file), RunConfig).rollout.temperature == 1


def test_load_config__of_another_file_type_is_refused(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("steps: 3")
    with pytest.raises(UserError, match="is not a Python file"):
        load_config(str(file), RunConfig)


@pytest.mark.parametrize("file", sorted(path.name for path in CONFIGS.glob("*.py") if path.stem != "__init__"))
def test_shipped_config__loads_or_is_a_part_of_others(file):
    kinds = (RunConfig, *_other_kinds())
    for kind in kinds:
        try:
            config = load_config(str(CONFIGS / file), kind)
        except UserError:
            continue
        assert dataclasses.is_dataclass(config)
        return
    assert any(f"configs.{Path(file).stem} import" in other.read_text() for other in CONFIGS.glob("*.py")), file


def _other_kinds():
    from jaxrlvr.imitation.stages import SFTConfig

    return (SFTConfig,)
