"""Laws of config files: loaded, refused in one line, and those of earlier versions answered with the new names."""

from pathlib import Path

import pytest

from envs import renamed
from jaxrlvr.config import RunConfig
from jaxrlvr.imitation.stages import SFTConfig
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.preflight.renamed import RENAMED
from jaxrlvr.runtime.errors import UserError
from tests.envs.test_renamed import exists, follow

CONFIGS = Path(__file__).parents[3] / "configs"
EARLIER = Path(__file__).parents[2] / "earlier" / "configs"
PUBLIC_NAMES = EARLIER.parent / "public_names.txt"
GONE = {
    "envs.scenarios.jira_refuse_infeasible.CAN_MISS",
    "envs.scenarios.jira_refuse_infeasible.NAMES",
    "envs.scenarios.jira_refuse_infeasible.READS",
    "envs.scenarios.jira_refuse_infeasible.WRITES",
    "envs.scenarios.jira_sites.names_of",
    "jaxrlvr.arguments.HARMLESS",
    "jaxrlvr.arguments.PROGRAM",
    "jaxrlvr.arguments.ROUNDING",
    "jaxrlvr.arguments.refuse_harmful",
    "jaxrlvr.asynchronous.Leaving",
    "jaxrlvr.config.T",
    "jaxrlvr.evaluate.PROGRAM",
    "jaxrlvr.grpo.denominator",
    "jaxrlvr.grpo.flat_teaches",
    "jaxrlvr.policy.weight_bytes",
    "jaxrlvr.sft.HARMLESS",
    "jaxrlvr.sft.PROGRAM",
    "jaxrlvr.sft.ROUNDING",
    "jaxrlvr.sft.locked",
}
"""Public names of an earlier version without a successor or a sentence about what to do instead."""


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


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_renamed__names_what_there_is_for_what_is_not(old, new):
    is_module_now = new.startswith(f"{old}.")  # of the same name as the function that it contains
    assert exists(new) and (is_module_now or not exists(old))


def test_renamed__leads_from_every_earlier_public_name_to_what_there_is_or_what_to_do_instead():
    table = {**renamed.RENAMED, **RENAMED}
    names = PUBLIC_NAMES.read_text().split()
    lost = {name for name in names if not renamed.can_import(renamed.current_name(*name.rsplit(".", 1), table))}
    assert {name for name in lost if not renamed.dropped(name, table)} == GONE


@pytest.mark.parametrize("file", sorted(path.name for path in EARLIER.glob("*.py")))
def test_load_config__of_an_earlier_version_works_once_its_advice_is_followed(file, tmp_path):
    kind = SFTConfig if file == "seed.py" else RunConfig
    mine = tmp_path / file
    mine.write_text((EARLIER / file).read_text())
    if "from configs." not in mine.read_text() or file == "qwen3_4b.py":
        with pytest.raises(UserError) as raised:
            load_config(str(mine), kind)
        assert "\n" not in str(raised.value) and str(mine) in str(raised.value)
        mine.write_text(follow(str(raised.value), mine.read_text()))
    assert load_config(str(mine), kind) == load_config(str(CONFIGS / file), kind)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from jaxrlvr import policy", "`from jaxrlvr.rollout import policy` for `from jaxrlvr import policy`"),
        ("import jaxrlvr.policy", "`import jaxrlvr.rollout.policy` for `import jaxrlvr.policy`"),
        ("from jaxrlvr.policy import PolicyConfig as P", "`from jaxrlvr.rollout.policy import PolicyConfig as P` for"),
        ("from envs.operation import Api", "`from envs.api.operation import Api` for `from envs.operation import Api`"),
        (
            "from jaxrlvr.memory import Need, size",
            "`from jaxrlvr.preflight.memory_estimate import MemoryEstimate, size`",
        ),
        ("from jaxrlvr.sampling import choose", "`from jaxrlvr.sampling.categorical import choose` for"),
        ("from jaxrlvr.imitation import batches", "`from jaxrlvr.imitation.stages import batches` for"),
        ("from jaxrlvr.evaluation import evaluate", "`from jaxrlvr.evaluation.held_out import evaluate_at` for"),
        ("from jaxrlvr.asynchronous import InTurn", "`from jaxrlvr.collection import Synchronous` for"),
        ("from jaxrlvr.rollout import rollout\nrollout()", "`from jaxrlvr.rollout.rollout import rollout` for"),
        ("from jaxrlvr.policy import weight_bytes", "without a successor: jaxrlvr.policy.weight_bytes"),
        (
            "from envs.checks import exactly",
            "checks follow from the oracle now, so leave these out: envs.checks.exactly",
        ),
        (
            "from jaxrlvr import evaluation\nevaluation.judge",
            "jaxrlvr.evaluation.held_out.evaluate for jaxrlvr.evaluation.judge",
        ),
        ("from jaxrlvr.config import load_config", "`from jaxrlvr.preflight.config_file import load_config` for"),
    ],
)
def test_load_config__names_the_new_import_for_an_old_one(tmp_path, line, said):
    file = tmp_path / "old.py"
    file.write_text(f"{line}\nfrom jaxrlvr.config import RunConfig\n")
    with pytest.raises(UserError) as raised:
        load_config(str(file), RunConfig)
    assert said in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("RunConfig(rollout=RolloutConfig(lenient=True))", "`RolloutConfig(untagged_calls=...)` for"),
        ("replace(RunConfig().rollout, **{'places': 8})", "RolloutConfig.slots for RolloutConfig.places"),
        ("RunConfig().rollout.answer_share", "RolloutConfig.return_fraction for RolloutConfig.answer_share"),
    ],
)
def test_load_config__names_the_new_setting_for_an_old_one(tmp_path, body, said):
    file = tmp_path / "old.py"
    imports = "from dataclasses import replace\nfrom jaxrlvr.config import RunConfig\n"
    file.write_text(f"{imports}from jaxrlvr.rollout import RolloutConfig\ndef config():\n    return {body}\n")
    with pytest.raises(UserError) as raised:
        load_config(str(file), RunConfig)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_load_config__advises_nothing_for_a_module_that_is_still_there(tmp_path):
    file = tmp_path / "new.py"
    file.write_text("from jaxrlvr.rollout import rollout\nimport jaxrlvr.rollout.rollout\nrollout.nothing\n")
    with pytest.raises(UserError, match=r"has no attribute 'nothing'"):
        load_config(str(file), RunConfig)
