"""Laws of the update: one gradient however the step is cut; tokens that were not sampled change nothing."""

from dataclasses import replace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import models
from jaxrlvr import train
from jaxrlvr.imitation.stages import IMITATION
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import Shape, TrainingGroup, TrainingSuffix, by_cost, empty, pack
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner, trainable_state, with_frozen
from jaxrlvr.learning.logprobs import suffix_logprobs
from jaxrlvr.learning.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.monitoring.metrics import CompileCounter
from jaxrlvr.rollout.policy import PolicyConfig, load_policy
from jaxrlvr.runtime.devices import MeshConfig

MEMBERS = 3
DEFAULT = GRPOConfig()
OBJECTIVE = grpo.objective(DEFAULT)
RATE = OptimizerConfig(learning_rate=1e-2)
WITH_REFERENCE = grpo.objective(GRPOConfig(kl_beta=0.5))


@pytest.fixture
def groups():
    """Five groups of random tokens, with unlike lengths and some tokens that were not sampled."""
    rng = np.random.default_rng(0)

    def suffix():
        n = int(rng.integers(3, 12))
        return TrainingSuffix(
            rng.integers(0, 512, n).astype(np.int32),
            rng.random(n) < 0.7,
            np.float32(-6 + rng.standard_normal(n)),
            float(rng.standard_normal()),
        )

    return [
        TrainingGroup(rng.integers(0, 512, 5 + 2 * b).tolist(), [suffix() for _ in range(MEMBERS)]) for b in range(5)
    ]


def cut(rows, count, suffix_buckets=(12,), row_buckets=()):
    return pack(rows, Shape(count, (16,), suffix_buckets, row_buckets), pad=0).batches


def flattened(rows):
    return [replace(row, suffixes=[replace(s, advantage=0.0) for s in row.suffixes]) for row in rows]


def learner_of(policy, config=RATE, objective=None, **settings):
    return Learner(policy.graphdef, make_optimizer(config), objective or OBJECTIVE, **settings)


def updated(policy, batches):
    """The new parameters and the statistics of one update, on copies of the policy's own."""
    learner = learner_of(policy)
    state, stats = learner.update(learner.init(jax.tree.map(jnp.copy, policy.params)), batches)
    return jax.device_get(state.params), jax.device_get(stats)


def differentiating_all(objective):
    """An objective that also differentiates groups without advantages."""
    return replace(objective, has_gradient_without_advantage=True)


def plain_descent(policy, objective):
    """A learner whose update is -rate x gradient, so that equal updates mean equal gradients."""
    return Learner(policy.graphdef, optax.sgd(1.0), objective)


def gradient(policy, batches, objective=OBJECTIVE):
    """The gradient and statistics of one update, on copies of the policy's parameters."""
    learner = plain_descent(policy, objective)
    state, stats = learner.update(learner.init(jax.tree.map(jnp.copy, policy.params)), batches)
    moved = jax.tree.map(lambda old, new: np.asarray(old) - np.asarray(new), policy.params, state.params)
    return moved, jax.device_get(stats)


@pytest.mark.parametrize(
    "config",
    [GRPOConfig(), GRPOConfig(surrogate="gspo", mean="sequence"), GRPOConfig(surrogate="cispo", mean="constant")],
    ids=lambda config: config.mean,
)
def test_update__is_the_same_however_the_step_is_cut(loaded, groups, config):
    whole, stats = gradient(loaded, cut(groups, 5), grpo.objective(config))
    for batches in (cut(groups, 1), cut(groups[::-1], 2, (40,))):
        other, other_stats = gradient(loaded, batches, grpo.objective(config))
        chex.assert_trees_all_close(other, whole, atol=1e-6)
        chex.assert_trees_all_close(other_stats.means, stats.means, rtol=1e-5, atol=1e-6)


def test_update__reports_sums_of_groups_that_add_up_to_the_step(loaded, groups):
    """With a reference and ratios far from 1, so that no figure is 0."""
    config = GRPOConfig(kl_beta=0.1)
    reference = jax.tree.map(lambda leaf: leaf * 1.1, loaded.params)
    for batches, slots in ((cut(groups, 5), 5), (cut(groups, 2), 6)):
        learner = Learner(loaded.graphdef, optax.sgd(1.0), grpo.objective(config), reference=reference)
        _, stats = learner.update(learner.init(jax.tree.map(jnp.copy, loaded.params)), batches)
        sums = stats.groups._asdict()
        assert all(values.shape == (slots,) for values in sums.values())
        tokens = [sum(int(suffix.sampled.sum()) for suffix in row.suffixes) for row in by_cost(groups)]
        np.testing.assert_array_equal(sums.pop("tokens")[:5], tokens)
        assert sums.pop("behaviour_gap_max").max() == stats.means.behaviour_gap_max
        for name, values in sums.items():
            assert values[:5].sum() / sum(tokens) == pytest.approx(float(getattr(stats.means, name)), rel=1e-5)
            assert values[:5].any() and not values[5:].any(), name


def test_update__of_groups_equals_every_member_with_a_prompt_of_its_own(loaded, groups):
    naive = [TrainingGroup(row.prefix, [suffix]) for row in groups for suffix in row.suffixes]
    ours, _ = gradient(loaded, cut(groups, 5))
    theirs, _ = gradient(loaded, cut(naive, len(naive)))
    chex.assert_trees_all_close(ours, theirs, atol=2e-6)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(ours)) > 1e-3


@pytest.mark.parametrize("config", [GRPOConfig(), GRPOConfig(surrogate="gspo", mean="sequence")])
def test_update__of_members_that_share_rows_equals_a_row_each(loaded, groups, config):
    ours, ours_stats = gradient(loaded, cut(groups, 2, (24,), (1, 2)), grpo.objective(config))
    theirs, theirs_stats = gradient(loaded, cut(groups, 2, (24,)), grpo.objective(config))
    chex.assert_trees_all_close(ours, theirs, atol=1e-6)
    chex.assert_trees_all_close(ours_stats.means, theirs_stats.means, rtol=1e-5, atol=1e-6)
    assert [batch.packed.tokens_BRS.shape[1] for batch in cut(groups, 2, (24,), (1, 2))] != [MEMBERS] * 3


def test_update__of_experts_whose_members_share_rows_balances_the_same(groups):
    shape = models.ModelConfig(
        **dict.fromkeys(("hidden_size", "mlp_size"), 32),
        **dict.fromkeys(("num_layers", "num_kv_heads"), 2),
        vocab_size=512,
        num_heads=4,
        head_dim=8,
        num_experts=4,
        experts_per_token=2,
        expert_size=16,
    )
    graphdef, params = nnx.split(models.Decoder(shape, rngs=nnx.Rngs(0)))
    results = []
    for row_buckets in ((), (2,)):
        learner = Learner(graphdef, optax.sgd(1.0), grpo.objective(replace(DEFAULT, balance_loss=0.5)))
        state = learner.init(jax.tree.map(jnp.copy, params))
        results.append(learner.update(state, cut(groups, 5, (24,), row_buckets))[0].params)
    chex.assert_trees_all_close(*results, atol=2e-6)


def test_update__of_a_hybrid_s_members_in_shared_rows_is_named(groups):
    shape = models.ModelConfig(
        **dict.fromkeys(("hidden_size", "mlp_size"), 32),
        **dict.fromkeys(("num_layers", "full_attention_every"), 2),
        **dict.fromkeys(("linear_key_heads", "linear_value_heads"), 2),
        vocab_size=512,
        num_heads=4,
        num_kv_heads=2,
        **dict.fromkeys(("head_dim", "linear_key_dim", "linear_value_dim"), 8),
        conv_width=4,
    )
    graphdef, params = nnx.split(models.Decoder(shape, rngs=nnx.Rngs(0)))
    learner = Learner(graphdef, optax.sgd(1.0), OBJECTIVE)
    with pytest.raises(models.ModelError, match="members cannot share rows"):
        learner.update(learner.init(params), cut(groups, 5, (24,), (2,)))


def test_update__does_not_see_tokens_after_the_last_sampled_one(loaded, groups):
    def lengthened(s):
        tokens, sampled = np.append(s.tokens, 7), np.append(s.sampled, False)
        return TrainingSuffix(tokens, sampled, np.append(s.logprobs, np.float32(0)), s.advantage)

    longer = [replace(row, suffixes=[lengthened(suffix) for suffix in row.suffixes]) for row in groups]
    ours, _ = gradient(loaded, cut(groups, 5))
    theirs, _ = gradient(loaded, cut(longer, 5))
    chex.assert_trees_all_close(ours, theirs, atol=1e-6)


def test_update__of_members_without_advantage_changes_nothing(loaded, groups):
    moved, stats = gradient(loaded, cut(flattened(groups), 5), differentiating_all(OBJECTIVE))
    assert all(not leaf.any() for leaf in jax.tree.leaves(moved))
    assert stats.grad_norm == 0 and not stats.skipped


@pytest.mark.parametrize("mean", ["token", "sequence", "constant"])
def test_update__that_only_measures_flat_groups_is_the_same(loaded, groups, mean):
    config = GRPOConfig(mean=mean)
    batches = cut([*flattened(groups[:3]), *groups[3:]], 1)
    assert [bool(batch.advantage_BG.any()) for batch in batches] == [True, True, False, False, False]
    moved, stats = gradient(loaded, batches, differentiating_all(grpo.objective(config)))
    learner = Learner(loaded.graphdef, optax.sgd(1.0), grpo.objective(config))
    state, measured = learner.update(learner.init(jax.tree.map(jnp.copy, loaded.params)), batches)
    ours = jax.tree.map(lambda old, new: np.asarray(old) - np.asarray(new), loaded.params, state.params)
    chex.assert_trees_all_equal(ours, moved)
    chex.assert_trees_all_close(jax.device_get(measured), stats, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        GRPOConfig(),
        GRPOConfig(surrogate="gspo"),
        GRPOConfig(surrogate="cispo", correction="token"),
        GRPOConfig(kl_beta=0.1),
        GRPOConfig(kl_beta=0.1, kl_in_reward=True),
        GRPOConfig(entropy_bonus=0.1),
    ],
    ids=str,
)
def test_has_gradient_without_advantage__says_whether_such_groups_have_one(policy, loaded, groups, config):
    """The reference differs from the policy, or the KL would have none either."""
    reference = jax.tree.map(lambda leaf: leaf * 1.1, loaded.params)
    objective = grpo.objective(config)
    learner = Learner(policy.graphdef, optax.sgd(1.0), differentiating_all(objective), reference=reference)
    _, stats = learner.update(learner.init(policy.params), cut(flattened(groups), 5))
    assert bool(stats.grad_norm > 0) is objective.has_gradient_without_advantage


@pytest.mark.parametrize("sizes", [(8, 1, 1), (1, 8, 1), (2, 2, 2)])
def test_update__on_a_mesh_equals_the_update_on_one_device(model_directory, loaded, groups, sizes):
    """Adam divides a gradient by its own size: at a higher rate rounding shows where a gradient is close to zero."""
    data, fsdp, tensor = sizes
    batches, mesh = cut(groups, 8), models.make_mesh(data, fsdp, tensor)
    graphdef, params = nnx.split(models.load(model_directory, mesh=mesh))
    sharded = replace(loaded, graphdef=graphdef, params=params, mesh=mesh)
    for optimizer in (optax.sgd(1.0), make_optimizer(OptimizerConfig(learning_rate=1e-3))):
        alone = Learner(loaded.graphdef, optimizer, OBJECTIVE)
        expected, stats = alone.update(alone.init(jax.tree.map(jnp.copy, loaded.params)), batches)
        learner = Learner(sharded.graphdef, optimizer, OBJECTIVE, mesh=mesh)
        state, sharded_stats = learner.update(learner.init(jax.tree.map(jnp.copy, sharded.params)), batches)
        chex.assert_trees_all_close(jax.device_get(state.params), jax.device_get(expected.params), atol=1e-5)
        chex.assert_trees_all_close(
            jax.device_get(sharded_stats.means), jax.device_get(stats.means), rtol=1e-4, atol=1e-5
        )
    assert any(not leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(state.params)) or data == 8


@pytest.mark.parametrize(
    "config",
    [
        GRPOConfig(),
        GRPOConfig(surrogate="gspo", mean="sequence"),
        GRPOConfig(surrogate="cispo", mean="constant", entropy_bonus=0.01),
    ],
    ids=lambda config: config.surrogate,
)
def test_update__has_one_gradient_on_any_mesh_and_in_any_cut(model_directory, loaded, groups, config):
    """Plain descent, so that nothing hides or magnifies a difference; rounding alone is left."""
    expected, stats = gradient(loaded, cut(groups, 1), grpo.objective(config))
    mesh = models.make_mesh(2, 2, 2)
    graphdef, params = nnx.split(models.load(model_directory, mesh=mesh))
    learner = Learner(graphdef, optax.sgd(1.0), grpo.objective(config), mesh=mesh)
    state, sharded = learner.update(learner.init(params), cut(groups, 4))
    ours = jax.tree.map(lambda old, new: np.asarray(old) - np.asarray(new), loaded.params, state.params)
    chex.assert_trees_all_close(ours, expected, rtol=0, atol=1e-6)
    assert float(sharded.grad_norm) == pytest.approx(float(stats.grad_norm), rel=1e-5) and stats.grad_norm > 1e-3


def test_update__descends(policy, groups):
    batches = cut(groups, 5)
    learner = learner_of(policy, OptimizerConfig(learning_rate=1e-3), objective=IMITATION)
    state, losses = learner.init(policy.params), []
    for _ in range(8):
        state, stats = learner.update(state, batches)
        losses.append(float(stats.means.loss))
    assert all(later < earlier for earlier, later in zip(losses, losses[1:], strict=False)), losses


def test_update__raises_good_members_and_lowers_bad_ones(loaded, groups):
    (batch,) = cut(groups, 5)
    downhill, _ = gradient(loaded, [batch])
    params = jax.tree.map(lambda leaf, slope: leaf - 1e-3 * slope, loaded.params, downhill)
    score = learner_of(loaded).recompute
    change_BGT = (score(params, batch) - score(loaded.params, batch)) * batch.sampled_BGT
    surrogate = (change_BGT * batch.advantage_BG[..., None]).sum()
    assert surrogate > 0


def test_update__that_is_not_finite_is_skipped_and_reported(policy, groups):
    batches = cut(groups, 5)
    learner = learner_of(policy)
    state, _ = learner.update(learner.init(policy.params), batches)
    before = jax.device_get(state)
    broken = [batch._replace(advantage_BG=np.full_like(batch.advantage_BG, np.inf)) for batch in batches]
    state, stats = learner.update(state, broken)
    assert bool(stats.skipped) and not np.isfinite(float(stats.grad_norm))
    chex.assert_trees_all_equal(jax.device_get(state), before)
    state, stats = learner.update(state, batches)
    assert not stats.skipped


def test_update__whose_change_is_not_finite_is_skipped_though_its_gradient_is_sound(policy, groups):
    batches = cut(groups, 5)
    learner = Learner(policy.graphdef, optax.scale(np.inf), OBJECTIVE)
    state = learner.init(policy.params)
    before = jax.device_get(state)
    state, stats = learner.update(state, batches)
    assert bool(stats.skipped) and np.isfinite(float(stats.grad_norm))
    chex.assert_trees_all_equal(jax.device_get(state), before)


def test_update__over_the_norm_limit_is_skipped_and_reported(policy, groups):
    batches = cut(groups, 5)
    learner = learner_of(policy)
    state = learner.init(policy.params)
    before = jax.device_get(state)
    state, stats = learner.update(state, batches, norm_limit=1e-6)
    assert bool(stats.skipped) and np.isfinite(float(stats.grad_norm))
    chex.assert_trees_all_equal(jax.device_get(state), before)
    state, stats = learner.update(state, batches, norm_limit=float(stats.grad_norm) * 1.01)
    assert not stats.skipped


def test_update__clips_the_gradient_and_reports_its_norm_before(loaded, groups):
    _, stats = updated(loaded, cut(groups, 5))
    direct, _ = gradient(loaded, cut(groups, 5))
    norm = np.sqrt(sum((leaf.astype(np.float64) ** 2).sum() for leaf in jax.tree.leaves(direct)))
    assert float(stats.grad_norm) == pytest.approx(norm, rel=1e-3)


def test_update__frees_the_old_state(policy, groups):
    learner = learner_of(policy)
    old = learner.init(policy.params)
    new, _ = learner.update(old, cut(groups, 5))
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(old))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(new))


def test_update__with_a_reference_is_pulled_towards_it(policy, loaded, groups):
    (batch,) = cut([replace(r, suffixes=[replace(s, advantage=0.0) for s in r.suffixes]) for r in groups], 5)
    learner = learner_of(policy, OptimizerConfig(learning_rate=1e-3), WITH_REFERENCE, reference=loaded.params)
    moved = jax.tree.map(lambda leaf: leaf * 1.05, loaded.params)
    state, distances = learner.init(moved), []
    for _ in range(5):
        state, stats = learner.update(state, [batch])
        distances.append(float(stats.means.kl))
    assert distances[-1] < distances[0] and min(distances) > 0


def test_reference__outlives_the_weights_that_it_was_made_from(policy, groups):
    learner = learner_of(policy, objective=WITH_REFERENCE, reference=policy.params)
    state, distances = learner.init(policy.params), []
    for _ in range(2):
        state, stats = learner.update(state, cut(groups, 5))
        distances.append(float(stats.means.kl))
    assert distances[0] == pytest.approx(0, abs=1e-6) and distances[1] > 1e-4


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_reference__takes_memory_only_where_there_is_a_beta(tiny_run, policy, beta):
    config = replace(tiny_run, grpo=GRPOConfig(kl_beta=beta))
    before = {id(array) for array in jax.live_arrays()}
    learner = train.make_learner(config, policy)
    allocated = [array.nbytes for array in jax.live_arrays() if id(array) not in before]
    parameters = sum(leaf.nbytes for leaf in jax.tree.leaves(policy.params))
    assert sum(allocated) == (parameters if beta else 0)
    state, _ = learner.update(learner.init(policy.params), [empty(2, MEMBERS, 16, 12, 0)])
    assert len(jax.tree.leaves(state.params)) == len(allocated) or not beta


def test_warm_up__leaves_every_value_as_it_was(policy, loaded):
    learner = learner_of(policy, objective=WITH_REFERENCE, reference=loaded.params)
    state = learner.init(policy.params)
    before = jax.device_get(state)
    state = learner.warm_up(state, [empty(5, MEMBERS, 16, 12, 0)] * 2)
    chex.assert_trees_all_equal(jax.device_get(state), before)


def compiled_after_warm_up(learner, params, groups):
    """Return the number of programs that two updates of different sizes compile after the warm-up."""
    shapes = [empty(8, MEMBERS, 16, 40, 0, rows) for rows in (0, 1)]
    state = learner.warm_up(learner.init(params), shapes)
    counter = CompileCounter()
    for count in (1, 3):
        for rows in ((), (1,)):
            batches = cut(groups, 8, (40,), rows) * count + cut(flattened(groups), 8, (40,), rows)
            assert all((batch.packed is not None) == bool(rows) for batch in batches)
            state, _ = learner.update(state, batches)
    return counter.count, state


@pytest.mark.parametrize("has_gradient_without_advantage", [True, False])
def test_update__compiles_nothing_after_warm_up(policy, groups, has_gradient_without_advantage):
    objective = replace(OBJECTIVE, has_gradient_without_advantage=has_gradient_without_advantage)
    count, _ = compiled_after_warm_up(learner_of(policy, objective=objective), policy.params, groups)
    assert count == 0


def test_update__compiles_nothing_on_a_mesh_and_every_moment_stays_with_its_parameter(model_directory, groups):
    mesh = models.make_mesh(2, 2, 2)
    graphdef, params = nnx.split(models.load(model_directory, mesh=mesh))
    assert not OBJECTIVE.has_gradient_without_advantage
    learner = Learner(graphdef, make_optimizer(RATE), OBJECTIVE, mesh=mesh)

    def parts(tree):
        return sorted(leaf.sharding.shard_shape(leaf.shape) for leaf in jax.tree.leaves(tree) if leaf.ndim)

    assert parts(learner.init(params).opt_state) == sorted(parts(params) * 2)
    whole = sorted(leaf.shape for leaf in jax.tree.leaves(params))
    assert parts(params) != whole
    count, state = compiled_after_warm_up(learner, params, groups)
    assert count == 0
    assert parts(state) == sorted(parts(state.params) * 3)


def test_suffix_logprobs__are_those_of_one_plain_forward_pass(loaded, groups):
    """Each member by itself: prompt and suffix in one sequence, softmax over the whole vocabulary."""
    (batch,) = cut(groups, 5)
    model = nnx.merge(loaded.graphdef, loaded.params)
    logprob_BGT, entropy_BGT = jax.jit(lambda batch: suffix_logprobs(model, batch, 0.7))(batch)

    @jax.jit
    def plain(tokens_P):
        hidden_1PD, _ = model.prefill(tokens_P[None], jnp.array([tokens_P.size]))
        return jax.nn.log_softmax(model.logits(hidden_1PD[0]) / 0.7)

    for row in groups:
        b = next(n for n in range(5) if batch.prefix_length_B[n] == len(row.prefix))
        for g, suffix in enumerate(row.suffixes):
            begin, n = len(row.prefix), len(suffix.tokens)
            whole = np.zeros(32, np.int32)
            whole[: begin + n] = [*row.prefix, *suffix.tokens]
            every_TV = plain(whole)[begin - 1 : begin + n - 1]
            np.testing.assert_allclose(logprob_BGT[b, g, :n], every_TV[np.arange(n), suffix.tokens], atol=1e-4)
            np.testing.assert_allclose(entropy_BGT[b, g, :n], -(jnp.exp(every_TV) * every_TV).sum(-1), atol=1e-4)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (OptimizerConfig(learning_rate=1.0), [1.0, 1.0, 1.0, 1.0]),
        (OptimizerConfig(learning_rate=1.0, warmup_steps=4), [0.25, 0.4375, 0.625, 0.8125]),
        (OptimizerConfig(learning_rate=1.0, warmup_steps=2, decay_steps=4), [0.5, 0.75, 1.0, 0.55]),
    ],
)
def test_optimizer__follows_its_schedule(config, expected):
    optimizer = make_optimizer(config)
    params = {"w": jnp.zeros(())}
    state, sizes = optimizer.init(params), []
    for _ in expected:
        # Adam's step for a constant gradient is the rate itself.
        change, state = optimizer.update({"w": jnp.float32(0.5)}, state, params)
        sizes.append(-float(change["w"]))
    np.testing.assert_allclose(sizes, expected, atol=1e-4)


def test_policy__is_loaded_onto_the_mesh_it_asks_for(model_directory):
    config = PolicyConfig(model=str(model_directory), mesh=MeshConfig(data=2, fsdp=2, tensor=2))
    policy = load_policy(config)
    assert dict(policy.mesh.shape) == {"data": 2, "fsdp": 2, "tensor": 2}
    assert all(len(leaf.sharding.device_set) == 8 for leaf in jax.tree.leaves(policy.params))


@pytest.fixture
def with_adapters(model_directory):
    """The random model with adapters on two projections, neither factor zero."""
    lora = models.Lora(rank=2, alpha=4.0, targets=("q_proj", "down_proj"))
    policy = load_policy(PolicyConfig(model=str(model_directory), lora=lora))
    trained, frozen = models.split(policy.params)
    trained = jax.tree.map(lambda x: x + 0.1 * jnp.cos(jnp.arange(x.size)).reshape(x.shape), trained)
    return replace(policy, params=models.join(trained, jax.tree.map(jnp.copy, frozen)))


def test_update__of_adapters_changes_only_them_and_keeps_moments_of_nothing_else(with_adapters, groups):
    before = jax.device_get(with_adapters.params)
    learner = learner_of(with_adapters, objective=WITH_REFERENCE, reference=with_adapters.params)
    state = learner.init(with_adapters.params)
    for step in range(2):
        state, stats = learner.update(state, cut(groups, 2))
        assert (stats.means.kl > 0) == (step > 0), "the reference is the model that it started from"
    (old, frozen), (new, still) = models.split(before), models.split(state.params)
    jax.tree.map(np.testing.assert_array_equal, still, frozen)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(*map(jax.tree.leaves, (old, new)), strict=True))
    adapters = sum(leaf.size for leaf in jax.tree.leaves(new))
    moments = [leaf.size for leaf in jax.tree.leaves(state.opt_state) if leaf.ndim]
    assert sum(moments) == 2 * adapters < sum(leaf.size for leaf in jax.tree.leaves(frozen)) / 10


def test_update__gives_what_is_trained_away_and_leaves_frozen_weights_to_others(with_adapters, groups):
    learner = learner_of(with_adapters)
    state, _ = learner.update(learner.init(with_adapters.params), cut(groups, 5))
    trained, frozen = models.split(with_adapters.params)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(trained))
    for old, new in zip(*map(jax.tree.leaves, (frozen, models.split(state.params)[1])), strict=True):
        assert old.unsafe_buffer_pointer() == new.unsafe_buffer_pointer(), "neither given away nor copied"


def test_update__of_adapters_is_the_derivative_of_the_merged_weights(with_adapters, groups):
    """A's gradient is scale x (the merged weight's gradient) B^T."""
    moved, _ = gradient(with_adapters, cut(groups, 5))
    decoder = models.merge(nnx.merge(with_adapters.graphdef, with_adapters.params))
    graphdef, params = nnx.split(decoder)
    whole, _ = gradient(replace(with_adapters, graphdef=graphdef, params=params), cut(groups, 5))
    b_LRHE = with_adapters.params["layers"]["query_lora_b"][...]
    expected_LDR = 2.0 * np.einsum("ldhe,lrhe->ldr", whole["layers"]["query"][...], b_LRHE)
    ours_LDR = moved["layers"]["query_lora_a"][...]
    np.testing.assert_allclose(ours_LDR, expected_LDR, rtol=0, atol=2e-4 * np.abs(expected_LDR).max())


def test_trainable_state__is_what_a_checkpoint_needs(with_adapters, policy):
    state = learner_of(with_adapters).init(with_adapters.params)
    part = trainable_state(state)
    assert len(jax.tree.leaves(part.params)) == 4
    whole = with_frozen(part, state)
    assert jax.tree.structure(whole) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, whole, state)
    plain = learner_of(policy).init(policy.params)
    assert trainable_state(plain) == plain


def test_balance_loss__adds_its_own_gradient_and_nothing_to_a_model_in_balance(groups):
    """Over one micro-batch: the update moves by the weight times the balance loss's gradient."""
    config = models.ModelConfig(
        **{"vocab_size": 512, "hidden_size": 16, "num_layers": 1, "num_heads": 2, "num_kv_heads": 1, "head_dim": 8},
        **{"mlp_size": 8, "num_experts": 4, "experts_per_token": 2, "expert_size": 8},
    )
    graphdef, params = nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))
    params["layers"]["router"].set_value(50 * params["layers"]["router"][...])
    (batch,) = cut(groups, 5)

    def balance(params):
        model = nnx.merge(graphdef, params)
        _, prefix = model.prefill(batch.prefix_BP, batch.prefix_length_B)
        _, routing = model.routed(batch.suffix_BGT, models.Prefix(prefix, batch.prefix_length_B), batch.sampled_BGT)
        return models.balance_loss(routing)

    expected = jax.grad(balance)(params)
    moves = []
    for weight in (0.0, 0.5):
        learner = Learner(graphdef, optax.sgd(1.0), grpo.objective(replace(DEFAULT, balance_loss=weight)))
        state, _ = learner.update(learner.init(jax.tree.map(jnp.copy, params)), [batch])
        moves.append(jax.tree.map(lambda old, new: np.asarray(old) - np.asarray(new), params, state.params))
    ours = jax.tree.map(lambda without, with_it: (with_it - without) / 0.5, *moves)
    assert np.abs(expected["layers"]["router"][...]).max() > 1e-3
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=2e-5), ours, expected)
