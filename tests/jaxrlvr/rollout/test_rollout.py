"""Laws of the host part of sampling: tokens are the truth, members are independent, every end has its reason."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import envs
from envs import scripted_policies
from jaxrlvr.imitation import demonstrations
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import Shape, pack, to_training_groups
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner
from jaxrlvr.learning.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.monitoring.metrics import rollout_figures
from jaxrlvr.rollout.policy import PolicyConfig, load_policy
from jaxrlvr.rollout.rollout import Actor, RolloutKey, rollout
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh
from jaxrlvr.runtime.errors import UserError

ANSWER = '{"id": "12"}'


@pytest.fixture
def answering(monkeypatch):
    """Make every turn that ends be answered, so that a random model's members go on to further turns."""
    monkeypatch.setattr(envs.Episode, "step", lambda self, text: envs.Reply(False, (ANSWER,)))


def act(policy, tasks, config, seed=3, step=1, numbers=None):
    """With this seed an untrained model writes members of one turn and of more."""
    actor = Actor(policy.sampler(config), policy.params, policy.chat)
    key = RolloutKey(seed, step, range(len(tasks)) if numbers is None else numbers)
    return rollout(actor, tasks, config, key).groups


def written(groups):
    """Return tokens, sampled positions, stop reason and turns of each group's members."""
    return [[(member.tokens, member.sampled, member.stop, member.turns) for member in g.members] for g in groups]


def logprobs(groups):
    return np.concatenate([member.logprobs for group in groups for member in group.members])


def test_sampled_logprobs__equal_what_the_learner_computes(loaded, acting, make_tasks, answering):
    temperature = 0.8
    groups = act(loaded, make_tasks(3), replace(acting, temperature=temperature))
    assert max(member.turns for group in groups for member in group.members) > 1, "nobody got an answer"
    learner = Learner(loaded.graphdef, make_optimizer(OptimizerConfig()), grpo.objective(GRPOConfig()), temperature)
    batches = pack(
        to_training_groups(groups, np.zeros((3, 4), np.float32)), Shape(3, (192,), (64,)), loaded.chat.pad_token
    ).batches
    for batch in batches:
        gap_BGT = np.abs(learner.recompute(loaded.params, batch) - batch.behaviour_BGT)
        assert gap_BGT[batch.sampled_BGT].max() <= 1e-4


@pytest.fixture
def reference(loaded, acting, make_tasks, answering):
    """Three groups sampled together, which every other batch must agree with."""
    return act(loaded, make_tasks(3), acting)


def test_member__does_not_depend_on_what_else_is_in_the_batch(loaded, acting, make_tasks, reference):
    tasks = make_tasks(3)
    for order in ([1], [2, 1, 0]):
        groups = act(loaded, [tasks[n] for n in order], acting, numbers=order)
        expected = [reference[n] for n in order]
        assert written(groups) == written(expected)
        np.testing.assert_allclose(logprobs(groups), logprobs(expected), atol=1e-5)


@pytest.mark.parametrize(
    "sizes",
    [{"prefix_buckets": (200,), "answer_chunk": 7}, {"suffix_buckets": (64,)}],
    ids=str,
)
def test_member__does_not_depend_on_the_sizes_compiled_for(loaded, acting, make_tasks, reference, sizes):
    groups = act(loaded, make_tasks(3), replace(acting, **sizes))
    assert written(groups) == written(reference)
    np.testing.assert_allclose(logprobs(groups), logprobs(reference), atol=1e-5)


def test_member__does_not_depend_on_how_many_members_there_are(loaded, acting, make_tasks, reference):
    groups = act(loaded, make_tasks(3), replace(acting, group_size=2))
    assert written(groups) == [members[:2] for members in written(reference)]


GRIDS = {"as trained": SamplingMesh(2, 2, 2), "automatic": SamplingMesh(), "other": SamplingMesh(tensor=2, data=4)}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_member__of_a_mesh_is_the_member_of_one_device(model_directory, acting, make_tasks, answering, loaded, grid):
    mesh = MeshConfig(data=2, fsdp=2, tensor=2) if grid.data != 4 else MeshConfig(fsdp=8)
    spread = load_policy(PolicyConfig(model=str(model_directory), mesh=mesh, sampling_mesh=grid))
    expected = act(loaded, make_tasks(8), acting)
    for places in (0, 4):
        groups = act(spread, make_tasks(8), replace(acting, slots=places))
        assert written(groups) == written(expected)
        np.testing.assert_allclose(logprobs(groups), logprobs(expected), atol=1e-4)


@pytest.mark.parametrize("share", [1.0, 0.25, 1e-9], ids="share {}".format)
def test_member__does_not_depend_on_when_answers_are_read(loaded, acting, make_tasks, reference, share):
    groups = act(loaded, make_tasks(3), replace(acting, return_fraction=share))
    assert written(groups) == written(reference)
    np.testing.assert_allclose(logprobs(groups), logprobs(reference), atol=1e-5)


@pytest.mark.parametrize("places", [1, 2, 9], ids="{} places".format)
def test_member__does_not_depend_on_how_many_groups_are_sampled_at_a_time(
    loaded, acting, make_tasks, reference, places
):
    groups = act(loaded, make_tasks(3), replace(acting, slots=places))
    assert written(groups) == written(reference)
    np.testing.assert_allclose(logprobs(groups), logprobs(reference), atol=1e-5)


def test_members__of_a_group_differ(reference):
    for group in reference:
        assert len({tuple(member.tokens) for member in group.members}) == len(group.members)


def test_seed__fixes_every_byte(loaded, acting, make_tasks, reference):
    again = act(loaded, make_tasks(3), acting)
    assert written(again) == written(reference)
    np.testing.assert_array_equal(logprobs(again), logprobs(reference))
    for changed in ({"seed": 1}, {"step": 2}):
        assert written(act(loaded, make_tasks(3), acting, **changed)) != written(reference)


def test_sampled__marks_exactly_what_the_model_wrote(chat, reference):
    answer = chat.answer([ANSWER])
    longest = 0
    for member in (member for group in reference for member in group.members):
        assert len(member.tokens) == len(member.sampled) == len(member.logprobs)
        rest, turns = list(zip(member.tokens, member.sampled, strict=True)), 0
        while rest:
            turn = []
            while rest and (not turn or turn[-1] != chat.stop_token):
                token, sampled = rest.pop(0)
                assert sampled
                turn.append(token)
            turns += 1
            seam = [rest.pop(0) for _ in range(min(len(answer), len(rest)))]
            assert seam in ([], [(token, False) for token in answer])
        assert turns == member.turns
        longest = max(longest, turns)
        assert all((p == 0) == (not sampled) for p, sampled in zip(member.logprobs, member.sampled, strict=True))
    assert longest > 1


def test_greedy__members_of_a_group_are_all_the_same(loaded, acting, make_tasks):
    for group in act(loaded, make_tasks(2), replace(acting, temperature=0.0)):
        assert len({tuple(member.tokens) for member in group.members}) == 1


@pytest.fixture(scope="module")
def roomy(acting):
    """Room for whole demonstrations."""
    return replace(
        acting, group_size=2, max_turns=8, turn_tokens=120, prefix_buckets=(192, 384), suffix_buckets=(128, 512, 1024)
    )


def test_oracle__is_rewarded_in_full_and_its_tokens_are_a_demonstration(loaded, roomy, scripted, oracle_script):
    tasks = [envs.sample(name, 4, "heldout") for name in envs.SCENARIOS]
    scripted(oracle_script(tasks))
    for task, group in zip(tasks, act(loaded, tasks, roomy), strict=True):
        expected = demonstrations.training_group(loaded.chat, demonstrations.TaskSeed(task.scenario, "heldout", 4), {})
        assert group.prefix == list(expected.prefix)
        for member in group.members:
            assert (member.stop, member.turns) == ("done", len(task.oracle) + 1)
            assert member.verdict.reward == pytest.approx(1.0) and member.verdict.success
            assert member.tokens == expected.suffixes[0].tokens.tolist()
            assert member.sampled == expected.suffixes[0].sampled.tolist()


def test_episodes__of_members_are_separate(loaded, roomy, scripted, oracle_script, make_tasks, chat):
    tasks = make_tasks(1)
    oracle = oracle_script(tasks)
    scripted(lambda b, g, turn: oracle(b, g, turn) if g == 0 else chat.turn("Done."))
    (group,) = act(loaded, tasks, roomy)
    assert [member.verdict.success for member in group.members] == [True, False]
    assert [len(member.episode.trace) for member in group.members] == [1, 0]


def only_member(loaded, config, tasks, **settings):
    (group,) = act(loaded, tasks, replace(config, group_size=2, **settings))
    return group.members[0]


def test_stop__turn_limit(loaded, acting, make_tasks, scripted):
    scripted(lambda b, g, turn: [7] * 100)
    member = only_member(loaded, acting, make_tasks(1))
    assert (member.stop, member.turns, member.tokens) == ("turn_limit", 1, [7] * acting.turn_tokens)
    assert all(member.sampled) and member.verdict is not None and member.valid


def test_stop__length_when_a_turn_fills_the_suffix(loaded, acting, make_tasks, scripted):
    scripted(lambda b, g, turn: [7] * 100)
    member = only_member(loaded, acting, make_tasks(1), turn_tokens=100)
    assert (member.stop, len(member.tokens)) == ("length", acting.suffix_buckets[-1])


def test_stop__length_when_an_answer_does_not_fit(loaded, roomy, make_tasks, scripted, oracle_script):
    tasks = make_tasks(1)
    oracle = oracle_script(tasks)
    scripted(oracle)
    turn = list(oracle(0, 0, 0))
    member = only_member(loaded, roomy, tasks, suffix_buckets=(len(turn) + 2,))
    assert (member.stop, member.turns, member.tokens) == ("length", 1, turn)
    assert member.verdict.success, "the call was made all the same"


def test_stop__max_turns(loaded, roomy, make_tasks, scripted, chat):
    tasks = make_tasks(1, "jira_transition_ticket")
    call = chat.turn(scripted_policies.turn(tasks[0].oracle[0]))
    scripted(lambda b, g, turn: call)
    member = only_member(loaded, roomy, tasks, max_turns=2)
    assert (member.stop, member.turns, len(member.episode.trace)) == ("max_turns", 2, 2)
    # Nobody reads the last answer, so it is not appended.
    assert member.tokens[-len(call) :] == call and sum(member.sampled) == 2 * len(call)


def test_stop__done_counts_only_words(loaded, acting, make_tasks, scripted, chat):
    scripted(lambda b, g, turn: chat.turn("Done."))
    member = only_member(loaded, acting, make_tasks(1))
    assert (member.stop, member.turns, member.tokens) == ("done", 1, chat.turn("Done."))


@pytest.fixture
def faulty(monkeypatch, loaded, roomy, make_tasks, scripted, oracle_script, chat):
    """One group in which one member's simulator breaks at its first call."""
    tasks = make_tasks(1)
    oracle, step = oracle_script(tasks), envs.Episode.step

    def broken(self, text):
        if "break" in text:
            raise RuntimeError("the simulator broke")
        return step(self, text)

    monkeypatch.setattr(envs.Episode, "step", broken)
    texts = {1: "break", 2: "Done."}
    scripted(lambda b, g, turn: chat.turn(texts[g]) if g in texts else oracle(b, g, turn))
    return act(loaded, tasks, replace(roomy, group_size=3))


def test_fault__has_no_verdict_no_advantage_and_no_token_that_counts(faulty):
    (group,) = faulty
    good, bad, idle = group.members
    assert (bad.stop, bad.valid, bad.verdict) == ("fault", False, None)
    assert "the simulator broke" in bad.fault
    assert good.verdict.success and not idle.verdict.success
    advantage_BG = grpo.advantages(faulty, GRPOConfig())
    assert advantage_BG[0, 1] == 0 and advantage_BG[0, 0] == -advantage_BG[0, 2] > 0
    (row,) = to_training_groups(faulty, advantage_BG)
    assert not row.suffixes[1].sampled.any() and row.suffixes[0].sampled.any()


def test_fault__changes_no_gradient(faulty, loaded):
    """The member with the fault might as well hold other tokens."""
    learner = Learner(loaded.graphdef, make_optimizer(OptimizerConfig()), grpo.objective(GRPOConfig()))

    def gradient():
        rows = to_training_groups(faulty, grpo.advantages(faulty, GRPOConfig()))
        batches = pack(rows, Shape(1, (192,), (128,)), 0).batches
        state, stats = learner.update(learner.init(jax.tree.map(lambda leaf: leaf + 0, loaded.params)), batches)
        return float(stats.grad_norm), jax.device_get(state.params)

    norm, params = gradient()
    bad = faulty[0].members[1]
    bad.tokens, bad.sampled, bad.logprobs = [3, 4, 5], [True] * 3, [-50.0, 50.0, float("nan")]
    other_norm, other_params = gradient()
    assert norm == other_norm > 0
    jax.tree.map(np.testing.assert_array_equal, params, other_params)


def test_fault__is_counted_and_is_not_reward_zero(faulty):
    figures = rollout_figures(faulty)
    valid = [member.verdict.reward for member in faulty[0].members if member.valid]
    assert figures["stop/fault"] == pytest.approx(1 / 3)
    assert figures["reward"] == pytest.approx(sum(valid) / 2)


def test_fault__of_a_verdict_is_one_too(monkeypatch, loaded, acting, make_tasks, scripted, chat):
    def broken(self):
        raise RuntimeError("the check broke")

    monkeypatch.setattr(envs.Episode, "verdict", broken)
    scripted(lambda b, g, turn: chat.turn("Done."))
    member = only_member(loaded, acting, make_tasks(1))
    assert (member.stop, member.verdict) == ("fault", None) and "the check broke" in member.fault


def test_prompt__longer_than_the_largest_bucket_is_the_users_error(loaded, acting, make_tasks):
    with pytest.raises(UserError, match=r"a prompt of \d+ tokens is longer than the largest bucket, 40"):
        act(loaded, make_tasks(1), replace(acting, prefix_buckets=(20, 40)))
