"""Laws of what is checked before anything is compiled."""

import math
import re
from dataclasses import replace

import pytest
from flax import nnx

import models
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.optimizer import frozen_labels
from jaxrlvr.preflight.dry_run import describe
from jaxrlvr.preflight.validation import check, trained_names
from jaxrlvr.rollout.policy import PolicyConfig, inspect_model, load_policy, make_placement
from jaxrlvr.rollout.tasks import TaskConfig
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh, make_mesh
from jaxrlvr.runtime.errors import UserError


def refused(config, chat):
    with pytest.raises(UserError) as raised:
        check(config, chat)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_check__passes_a_run_that_works(tiny_run, chat):
    check(tiny_run, chat)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("rollout", {"group_size": 1}, "--rollout.group-size 1 is out of range: use 2 or more"),
        ("rollout", {"detail": "huge"}, "--rollout.detail 'huge' is unknown; there are compact, full"),
        (
            "rollout",
            {"trace_reward_scenarios": ("nope",)},
            "--rollout.trace-reward-scenarios 'nope' is not a scenario; there are jira_create_issue",
        ),
        ("rollout", {"temperature": 0.0}, "--rollout.temperature 0.0 is out of range: use a number above 0"),
        ("rollout", {"temperature": math.nan}, "--rollout.temperature nan is out of range"),
        ("optimizer", {"learning_rate": math.inf}, "--optimizer.learning-rate inf is out of range"),
        ("evaluation", {"tasks": 0}, "--evaluation.tasks 0 is out of range: use 1 or more"),
        ("tasks", {"difficulty": 0}, "--tasks.difficulty 0"),
        ("tasks", {"tools": -1}, "--tasks.tools -1"),
        ("rollout", {"prefix_buckets": ()}, "--rollout.prefix-buckets () must be ascending sizes"),
        ("rollout", {"suffix_buckets": (64, 32)}, "--rollout.suffix-buckets (64, 32) must be ascending sizes"),
        ("rollout", {"suffix_buckets": (32, 32)}, "must be ascending sizes"),
        ("learner", {"suffix_buckets": (0, 64)}, "--learner.suffix-buckets (0, 64) must be ascending sizes"),
        ("learner", {"suffix_buckets": (32,)}, "--learner.suffix-buckets end at 32, but members may have 64 tokens"),
        ("learner", {"micro_groups": 0}, "--learner.micro-groups 0 is out of range: use 1 or more"),
        ("rollout", {"prefix_buckets": (16, 32)}, "the largest of --rollout.prefix-buckets is 32: add one of "),
        ("tasks", {"scenarios": ("nothing",)}, "unknown scenario 'nothing'"),
        (
            "rollout",
            {"return_fraction": 1.5},
            "--rollout.return-fraction 1.5 is out of range: use a number above 0, at most 1",
        ),
        ("rollout", {"return_fraction": 0.0}, "--rollout.return-fraction 0.0 is out of range: use a number above 0"),
        ("rollout", {"slots": -1}, "--rollout.slots -1 is out of range: use 0 or more"),
        ("optimizer", {"learning_rate": 1e30}, "--optimizer.learning-rate 1e+30 is out of range: use at most 1"),
        ("optimizer", {"beta2": 1.0}, "--optimizer.beta2 1.0 is out of range: use a number below 1"),
        ("optimizer", {"warmup_steps": 9, "decay_steps": 9}, "--optimizer.decay-steps 9 counts from the first step"),
        ("guards", {"max_faults": 2.0}, "--guards.max-faults 2.0 is out of range: use 0 to 1"),
        ("guards", {"explode": 0.5}, "--guards.explode 0.5 would skip ordinary updates: use more than 1"),
        ("grpo", {"gate_above": 2.0}, "--grpo.gate-above 2.0 is out of range: use 0 to 1"),
        ("grpo", {"overlong_soft": 10}, "--grpo.overlong-soft 10 must be less than --grpo.overlong-hard 0"),
        (
            "grpo",
            {"overlong_soft": 64, "overlong_hard": 99},
            "has no effect on members, which have at most 64",
        ),
        (
            "grpo",
            {"correction": "token_mask", "correction_cap": 1.0},
            "leave out every token whose ratio is not 1",
        ),
        ("policy", {"remat": "some"}, "--policy.remat 'some' is unknown; there are none, dots, full, offload"),
        ("policy", {"lora": models.Lora(rank=2, alpha=math.nan)}, "--policy.lora.alpha nan is out of range"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_check__refuses_what_cannot_work(tiny_run, chat, part, changes, message):
    assert message in refused(replace(tiny_run, **{part: replace(getattr(tiny_run, part), **changes)}), chat)


@pytest.mark.parametrize("changes", [{"steps": 0}, {"seed": -1}, {"checkpoint_every": 0}, {"keep_checkpoints": 0}])
def test_check__refuses_a_number_that_is_too_small(tiny_run, chat, changes):
    (name, value), *_ = changes.items()
    assert f"--{name.replace('_', '-')} {value} is out of range: use " in refused(replace(tiny_run, **changes), chat)


def test_check__refuses_a_seed_that_jax_would_cut_off(tiny_run, chat):
    assert "--seed 4294967296 is out of range: use 0 to 4294967295" in refused(replace(tiny_run, seed=2**32), chat)
    check(replace(tiny_run, seed=2**32 - 1), chat)


@pytest.mark.parametrize("lora", [models.Lora(), models.Lora(rank=2)], ids=["whole", "adapters"])
def test_trained_names__are_those_of_the_optimizer(model_directory, lora):
    params = nnx.split(models.load(model_directory, lora=lora))[1]
    with pytest.raises(UserError) as raised:
        frozen_labels(models.split(params)[0], ("nowhere",))
    names = str(raised.value).split("there are ")[1].split(", ")
    model = replace(models.read_config(model_directory), lora=lora)
    assert sorted(names) == sorted(trained_names(model))


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        (
            "optimizer",
            {"frozen": ("head",)},
            "--optimizer.frozen 'head' is in no parameter's name; there are embedding",
        ),
        ("optimizer", {"frozen": ("",)}, "--optimizer.frozen  leaves nothing to train"),
        ("policy", {"mesh": MeshConfig(fsdp=16)}, "has 16 devices, but 8 are given"),
        ("policy", {"mesh": MeshConfig(tensor=8)}, "num_heads 4 is not a multiple of tensor=8"),
        ("policy", {"mesh": MeshConfig(fsdp=8), "sampling_mesh": SamplingMesh(tensor=8)}, "not a multiple of tensor=8"),
        ("grpo", {"balance_loss": 0.1}, "--grpo.balance-loss needs a mixture of experts"),
    ],
    ids=str,
)
def test_check__given_the_model_refuses_what_it_or_the_devices_lack(
    tiny_run, chat, model_directory, part, changes, message
):
    tiny_run = replace(
        tiny_run, tasks=replace(tiny_run.tasks, per_step=16), learner=replace(tiny_run.learner, micro_groups=16)
    )
    tiny_run = replace(tiny_run, evaluation=replace(tiny_run.evaluation, batch=16))
    config = replace(tiny_run, **{part: replace(getattr(tiny_run, part), **changes)})
    check(config, chat)
    with pytest.raises((UserError, models.ModelError), match=re.escape(message)) as raised:
        check(config, chat, make_placement(config.policy, models.read_config(model_directory)))
    assert "\n" not in str(raised.value)


def test_check__refuses_an_unknown_gate(tiny_run, chat):
    config = replace(tiny_run, grpo=GRPOConfig(outcome_gate="sometimes"))
    assert "--grpo.outcome-gate 'sometimes' is unknown; there are off, always, auto" in refused(config, chat)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surrogate": "ppo"}, "--grpo.surrogate 'ppo' is unknown; there are clip, gspo, cispo"),
        ({"baseline": "median"}, "--grpo.baseline 'median' is unknown; there are mean, std, leave_one_out"),
        ({"kl_in_reward": True}, "--grpo.kl-in-reward has no effect while --grpo.kl-beta is 0"),
        ({"kl_beta": 0.1, "kl_estimate": "k1"}, "--grpo.kl-estimate k1 in the loss has no useful gradient"),
        ({"overlong_soft": 90, "overlong_hard": 90}, "--grpo.overlong-soft 90 must be less than"),
        ({"correction_cap": 0.5}, "--grpo.correction-cap 0.5 is out of range: use 1 or more"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_check__refuses_an_objective_that_cannot_be(tiny_run, chat, changes, message):
    assert message in refused(replace(tiny_run, grpo=GRPOConfig(**changes)), chat)


def test_check__refuses_groups_that_do_not_divide_over_the_mesh(tiny_run, chat):
    mesh = PolicyConfig(mesh=MeshConfig(data=2, fsdp=2, tensor=2))
    config = replace(tiny_run, policy=mesh, tasks=TaskConfig(per_step=6))
    assert "--tasks.per-step 6 must be a multiple of 4, data x fsdp of --policy.mesh" in refused(config, chat)


def test_mesh__that_is_not_all_devices_is_refused():
    with pytest.raises(ValueError, match="data=3 x fsdp=1 x tensor=1 has 3 devices, but 8 are given"):
        make_mesh(MeshConfig(data=3))
    assert make_mesh(MeshConfig()) is None


def test_mesh__that_does_not_divide_the_model_is_refused(model_directory):
    config = PolicyConfig(model=str(model_directory), mesh=MeshConfig(tensor=8))
    with pytest.raises(ValueError, match="does not divide over the mesh: num_heads 4 is not a multiple of tensor=8"):
        load_policy(config)


def test_describe__says_what_will_run_and_shows_the_first_prompt(tiny_run, chat):
    source, model, chat = inspect_model(tiny_run.policy)
    text = describe(tiny_run, source, make_placement(tiny_run.policy, model), chat)
    assert source in text and "2 layers" in text and "2 tasks x 4 members" in text
    assert "<|im_start|>assistant" in text.splitlines()[-1] and "createIssue" in text


def test_describe__works_without_a_tokenizer(tiny_run):
    source, model, _ = inspect_model(tiny_run.policy)
    assert "createIssue" in describe(tiny_run, source, make_placement(tiny_run.policy, model), None)


def test_peek__fetches_nothing_for_a_published_model():
    name, model, chat = inspect_model(PolicyConfig(model="Qwen/Qwen3-0.6B"))
    assert (name, chat, model.num_layers, model.vocab_size) == ("Qwen/Qwen3-0.6B", None, 28, 151936)


def test_load__without_a_tokenizer_is_one_line(model_directory, tmp_path):
    for path in model_directory.iterdir():
        if "token" not in path.name and "jinja" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UserError, match="has no usable tokenizer: ") as raised:
        load_policy(PolicyConfig(model=str(tmp_path)))
    assert "\n" not in str(raised.value)


def test_describe__counts_gradients_and_optimizer_of_adapters_alone(tiny_run):
    """Per device: what is frozen once, and of adapters weights, gradients and two moments."""
    model = models.PRESETS["Qwen/Qwen3-0.6B"]
    policy = replace(tiny_run.policy, compute_dtype="bfloat16", lora=models.Lora(rank=8, targets=("q_proj",)))
    report = describe(replace(tiny_run, policy=policy), "x", make_placement(policy, model), None)
    adapters = 28 * 8 * (1024 + 2048)
    assert f"and {adapters / 1e6:.2f}M in adapters" in report
    assert f"{(2 * models.parameter_count(model) + 16 * adapters) / 1e9:.1f} GB for weights, gradients" in report
    whole = describe(tiny_run, "x", make_placement(tiny_run.policy, model), None)
    assert f"{16 * models.parameter_count(model) / 1e9:.1f} GB for weights, gradients" in whole


def test_describe__says_what_these_devices_cannot_do_and_that_offload_saves_nothing_on_a_cpu(tiny_run):
    source, model, chat = inspect_model(tiny_run.policy)

    def report(**changes):
        policy = replace(tiny_run.policy, **changes)
        return describe(replace(tiny_run, policy=policy), source, make_placement(policy, model), chat)

    assert "remat      offload saves nothing on a CPU, whose memory is the host's: " in report(remat="offload")
    assert "impossible here: attention 'fast' has no kernel here: " in report(attention="fast")
    assert "impossible here" not in report(remat="offload") and "offload" not in report(remat="full")
