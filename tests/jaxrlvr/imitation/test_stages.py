"""Laws of supervised training: it learns the demonstrations, and never sees a held-out task."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file
from transformers import AutoTokenizer

import models
from jaxrlvr import export, sft
from jaxrlvr.imitation import demonstrations, stages
from jaxrlvr.imitation.stages import SFTConfig, Stage
from jaxrlvr.learning.learner import Learner
from jaxrlvr.learning.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.rollout.policy import load_chat
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.interrupt import Interruption

SEED_CONFIG = Path(__file__).parents[3] / "configs" / "seed.py"


@pytest.fixture
def config(model_directory, tmp_path):
    """Two short stages on one scenario."""
    able = Stage("able", 5, OptimizerConfig(learning_rate=3e-3), ("jira_create_issue",), episodes=4)
    sloppy = replace(able, name="sloppy", steps=2, mistakes=(("drop_priority", 1.0),))
    return SFTConfig(
        (able, sloppy),
        out=str(tmp_path / "out"),
        model=str(model_directory),
        micro_batch=4,
        prefix_buckets=(160,),
        suffix_buckets=(160,),
    )


def trained(config):
    """Run to the end and return the directory of the result."""
    assert sft.run(config, Interruption())
    return Path(config.out)


def test_imitation__is_the_negative_log_likelihood_of_what_was_written():
    batch = SimpleNamespace(sampled_BGT=jnp.array([[[True, False, True]]]))
    logprob_BGT, entropy_BGT = jnp.array([[[-1.0, -jnp.inf, -0.5]]]), jnp.array([[[2.0, jnp.nan, 1.0]]])
    stats = stages.IMITATION.loss(logprob_BGT, entropy_BGT, batch, None)
    assert float(stats.loss) == 1.5 and float(stats.entropy) == 3.0


def loss(directory, config):
    """Mean loss per token on demonstrations that the stages did not show."""
    graphdef, params = nnx.split(models.load(directory))
    chat = load_chat(Path(directory))
    unseen = replace(config, seed=99)
    (batch,) = next(stages.batches(chat, config.stages[0], unseen))
    learner = Learner(graphdef, make_optimizer(OptimizerConfig()), stages.IMITATION)
    return -float(np.asarray(learner.recompute(params, batch))[batch.sampled_BGT].mean())


def test_run__learns_and_writes_every_stage(config, model_directory, capsys):
    out = trained(config)
    assert out == Path(config.out)
    before, able = loss(model_directory, config), loss(out / "stages" / "able", config)
    assert able < before - 0.3
    printed = capsys.readouterr().out
    assert "able 5/5  loss " in printed and f"sloppy: wrote {out}" in printed
    # The result is whole: weights, tokenizer and template.
    assert loss(out, config) < before
    assert AutoTokenizer.from_pretrained(out).chat_template


def test_run__can_go_on_from_a_stage(config, tmp_path):
    whole = models.load(trained(config))
    later = replace(config, model=str(Path(config.out) / "stages" / "able"), first_stage=1, out=str(tmp_path / "later"))
    again = models.load(trained(later))
    chex.assert_trees_all_equal(*(jax.device_get(nnx.state(model)) for model in (again, whole)))


def test_run__of_adapters_trains_them_alone_and_exports_merged_or_apart(config, model_directory, tmp_path, capsys):
    able = replace(config.stages[0], steps=8, optimizer=OptimizerConfig(learning_rate=2e-2))
    lora = models.Lora(rank=4, alpha=8.0, targets=("q_proj", "v_proj", "down_proj"))
    out = trained(replace(config, stages=(able,), lora=lora))
    assert loss(out, config) < loss(model_directory, config) - 0.1

    before, after = (nnx.to_flat_state(nnx.split(models.load(path))[1]) for path in (model_directory, out))
    changed = {name[-1] for (name, a), (_, b) in zip(before, after, strict=True) if (a[...] != b[...]).any()}
    assert changed == {"query", "value", "down"}

    for arguments, name in ((["--adapter"], "apart"), ([], "merged")):
        export.main([str(out), "--out", str(tmp_path / name), *arguments])
    assert "peft.AutoPeftModelForCausalLM" in capsys.readouterr().out
    assert models.read_lora(tmp_path / "apart") == replace(lora, targets=tuple(sorted(lora.targets)))
    beside = models.load(model_directory, lora=models.read_lora(tmp_path / "apart"))
    models.load_adapter(beside, tmp_path / "apart")
    ours, whole, exported = (
        jax.device_get(nnx.state(model))
        for model in (models.merge(beside), models.load(out), models.load(tmp_path / "merged"))
    )
    chex.assert_trees_all_close(ours, whole, atol=1e-6)
    chex.assert_trees_all_equal(exported, whole)


def test_run__of_adapters_on_nothing_is_the_users_error(config):
    shape = models.ModelConfig(
        vocab_size=400, hidden_size=64, num_layers=3, num_heads=6, num_kv_heads=2, head_dim=8, mlp_size=32
    )
    with pytest.raises(UserError, match=r"adapters \(--lora.rank\) .*: set `model`"):
        trained(replace(config, model="", shape=shape, lora=models.Lora(rank=2)))


def test_sft__takes_the_settings_of_adapters(tmp_path):
    settings = ["--model", "x", "--lora.rank", "4", "--lora.targets", "q_proj", "v_proj"]
    (tmp_path / "chats.jsonl").touch()
    config = sft.read_arguments([str(tmp_path / "chats.jsonl"), *settings]).config
    assert config.lora == models.Lora(rank=4, targets=("q_proj", "v_proj"))


def tokens(config, stage=0):
    chat = load_chat(Path(config.model))
    return [batch.suffix_BGT for step in stages.batches(chat, config.stages[stage], config) for batch in step]


def test_batches__follow_from_seed_and_stage(config):
    once, again, other = tokens(config), tokens(config), tokens(replace(config, seed=1))
    assert len(once) == 5 and all((a == b).all() for a, b in zip(once, again, strict=True))
    assert not any((a == b).all() for a, b in zip(once, other, strict=True))
    assert not any((once[0] == later).all() for later in once[1:])


def test_batches__of_several_members_show_as_many_attempts_and_encode_fewer_prompts(config):
    chat, stage = load_chat(Path(config.model)), config.stages[1]
    alone = list(stages.batches(chat, stage, config))
    shared = list(stages.batches(chat, replace(stage, members=2), config))
    assert [len(step) for step in alone] == [len(step) for step in shared] == [1, 1]
    assert alone[0][0].suffix_BGT.shape[:2] == (4, 1) and shared[0][0].suffix_BGT.shape[:2] == (2, 2)


def test_demonstrated_tasks__are_of_every_scenario_and_never_held_out():
    config = load_config(str(SEED_CONFIG), SFTConfig)
    tasks = [
        task
        for stage in config.stages
        for step in range(stage.steps)
        for task in stages.demonstrated_tasks(stage, config.seed, step)
    ]
    assert {task.split for task in tasks} == {"train", "synthetic"}
    assert {task.scenario for task in tasks} == set(config.stages[0].scenarios)


def test_batches__show_the_tasks_of_each_update(config):
    stage, chat = replace(config.stages[0], episodes=2), load_chat(Path(config.model))
    shown = next(stages.demonstrated(chat, stage, seed=0))
    tasks = stages.demonstrated_tasks(stage, seed=0, step=0)
    expected = [demonstrations.training_group(chat, task, {}) for task in tasks]
    assert [list(group.prefix) for group in shown] == [list(group.prefix) for group in expected]
    for ours, theirs in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(ours.suffixes[0].tokens, theirs.suffixes[0].tokens)


def test_stage__that_would_show_heldout_tasks_is_refused():
    with pytest.raises(UserError, match="able.*heldout"):
        Stage("able", 5, OptimizerConfig(), ("jira_create_issue",), splits=(("train", 1), ("heldout", 1)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "stage 'able' has .*steps 0"),
        ({"episodes": 0}, "stage 'able' has .*episodes 0"),
        ({"scenarios": ("nope",)}, "stage 'able': unknown scenario 'nope'; there are jira_create_issue"),
        (
            {"mistakes": (("nope", 0.5),)},
            "stage 'able': none of its scenarios has a mistake 'nope'; there are drop_priority",
        ),
        (
            {"mistakes": (("drop_labels", 2.0),)},
            "stage 'able': mistake 'drop_labels' has 2.0, and a probability is 0 to 1",
        ),
        ({"splits": (("nope", 1),)}, "stage 'able': unknown split 'nope'; there are train, synthetic"),
        ({"splits": (("train", 0),)}, "stage 'able': splits .* one above 0"),
        ({"detail": "huge"}, "stage 'able': detail 'huge' is unknown; there are compact, full"),
        ({"name": "a/b"}, "stage 'a/b': its name is a directory's"),
        ({"name": "start"}, "stage 'start': its name is a directory's"),
        ({"optimizer": OptimizerConfig(beta2=1.0)}, "stage 'able': --optimizer.beta2 1.0"),
    ],
    ids=str,
)
def test_stage__that_cannot_be_is_refused(changes, message):
    usual = {"name": "able", "steps": 5, "optimizer": OptimizerConfig(), "scenarios": ("jira_create_issue",)}
    with pytest.raises(UserError, match=message) as raised:
        Stage(**{**usual, **changes})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"micro_batch": 0}, "--micro-batch 0 is out of range: use 1 or more"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0 is out of range: use 1 or more"),
        ({"stall_seconds": -1}, "--stall-seconds -1 is out of range: use 0 or more"),
        ({"first_stage": 2}, "first_stage 2 is out of range: use 0 to 1"),
        (
            {"stages": (Stage("a", 1, OptimizerConfig(weight_decay=-1), ("jira_create_issue",)),)},
            "--stages.0.optimizer.weight-decay -1 is out of range: use 0 or more",
        ),
        ({"stages": ()}, r"stages \(\) must be one or more"),
        ({"prefix_buckets": ()}, r"prefix_buckets \(\) must be ascending sizes"),
        ({"suffix_buckets": (9, 3)}, r"suffix_buckets \(9, 3\) must be ascending sizes"),
    ],
    ids=str,
)
def test_config__that_cannot_run_is_refused(config, changes, message):
    with pytest.raises(UserError, match=message):
        replace(config, **changes)


def test_run__whose_updates_are_never_finite_ends_and_writes_nothing(config, tmp_path, capsys):
    broken = tmp_path / "broken"
    shutil.copytree(config.model, broken)
    weights = load_file(broken / "model.safetensors")
    save_file({name: np.full_like(value, np.nan) for name, value in weights.items()}, broken / "model.safetensors")
    config = replace(config, model=str(broken))
    with pytest.raises(UserError, match="stage 'able' learns nothing: no update of the last 5 was finite"):
        trained(config)
    assert "able: skipped 5 of 5 updates" in capsys.readouterr().out
    assert not list(Path(config.out).rglob("*.safetensors"))


def test_start__from_nothing_is_a_model_directory_fixed_by_the_seed(config, tmp_path):
    shape = models.ModelConfig(
        vocab_size=400, hidden_size=64, num_layers=3, num_heads=6, num_kv_heads=2, head_dim=8, mlp_size=32
    )
    nothing = replace(config, model="", shape=shape, tokenizer_texts=60)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        stages.start_from_nothing(replace(nothing, seed=seed), tmp_path / name)
    assert models.load(tmp_path / "a").config.num_heads == 6
    assert len(AutoTokenizer.from_pretrained(tmp_path / "a")) == 400
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]
    assert (tmp_path / "a" / "tokenizer.json").read_bytes() == (tmp_path / "b" / "tokenizer.json").read_bytes()


def test_run__without_model_or_shape_is_the_users_error(config):
    with pytest.raises(UserError, match="neither `model` nor `shape` is set"):
        trained(replace(config, model=""))
    sft.check_unused(Path(config.out))  # the same --out can be used again


def test_run__of_no_such_model_is_the_users_error(config, tmp_path):
    with pytest.raises(models.ModelError, match="nothing"):
        trained(replace(config, model=str(tmp_path / "nothing")))


@pytest.mark.parametrize("arguments", [[], ["--out", "x"]])
def test_sft__needs_a_config_file(arguments):
    with pytest.raises(UserError, match="name a config file first"):
        sft.main(arguments)


def test_sft__refuses_the_config_of_another_command(tmp_path):
    file = SEED_CONFIG.with_name("tiny.py")
    with pytest.raises(UserError, match=r"no function config\(\) that returns a SFTConfig"):
        sft.main([str(file)])
