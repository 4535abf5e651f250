"""The smallest things that act and learn: a tokenizer of 512 tokens, a random two-layer model, a run of two steps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import envs
import models
from envs import scripted_policies
from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation.held_out import EvaluationConfig
from jaxrlvr.imitation import demonstrations
from jaxrlvr.imitation.seed_tokenizer import train_tokenizer
from jaxrlvr.learning.learner import LearnerConfig
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.policy import Policy, PolicyConfig, load_policy
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig
from jaxrlvr.runtime.compilation_cache import use_compilation_cache
from jaxrlvr.sampling.sampler import Sampler, Turn

SHAPE = models.ModelConfig(
    vocab_size=512,
    hidden_size=32,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    head_dim=8,
    mlp_size=48,
    rope_theta=1000.0,
    max_positions=512,
)


@pytest.fixture(scope="session", autouse=True)
def compiled_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile each program once for all tests, in a directory of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        use_compilation_cache()
        yield


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Trained on a few demonstrations."""
    # This order is part of what makes the random model's turns differ in length; it is not that of the registry.
    scenarios = [
        "jira_create_issue", "jira_transition_ticket", "confluence_create_page", "confluence_label_page",
        "confluence_update_page", "confluence_move_page", "confluence_page_from_facts", "jira_read_issue",
        "jira_triage_by_jql", "jira_create_subtask", "jira_link_duplicate", "jira_log_work", "jira_comment_mention",
        "jira_recover", "jira_move_three_hops", "jira_refuse_infeasible", "jira_resolve_ticket", "jira_plan_sprint",
        "jira_answer_without_tools", "confluence_update_conflict", "jira_transition_conflict",
        "confluence_page_from_issue",
    ]  # fmt: skip
    chosen = [(scenarios[n % len(scenarios)], ("train", "synthetic")[n % 2], n) for n in range(90)]
    return train_tokenizer(demonstrations.texts(chosen), SHAPE.vocab_size)


@pytest.fixture(scope="session")
def chat(tokenizer: Any) -> Chat:
    """The chat of that tokenizer, with the seed's template."""
    return Chat.of(tokenizer)


@pytest.fixture(scope="session")
def model_directory(tokenizer: Any, chat: Chat, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model in Hugging Face form. Its end of turn is sometimes likely, so that turns differ in length."""
    directory = tmp_path_factory.mktemp("model")
    graphdef, params = nnx.split(nnx.eval_shape(lambda: models.Decoder(SHAPE, rngs=nnx.Rngs(0))))
    rng = np.random.default_rng(1)

    def draw(path: Any, like: jax.ShapeDtypeStruct) -> jax.Array:
        name = jax.tree_util.keystr(path)
        value = (1.0 if "norm" in name else 0.0) + 0.2 * rng.standard_normal(like.shape)
        if "embedding" in name:
            value[chat.stop_token] *= 2.5
        return jnp.asarray(value, like.dtype)

    tokenizer.save_pretrained(directory)
    models.save(nnx.merge(graphdef, jax.tree_util.tree_map_with_path(draw, params)), directory)
    return directory


@pytest.fixture(scope="session")
def loaded(model_directory: Path) -> Policy:
    """The random model, loaded once; tests that train take `policy`."""
    return load_policy(PolicyConfig(model=str(model_directory)))


@pytest.fixture
def policy(loaded: Policy) -> Policy:
    """The random model with weights of its own, since training gives them away."""
    return replace(loaded, params=jax.tree.map(jnp.copy, loaded.params))


@pytest.fixture(scope="session")
def acting() -> RolloutConfig:
    """Four members, three turns of at most twelve tokens."""
    return RolloutConfig(
        group_size=4,
        max_turns=3,
        turn_tokens=12,
        prefix_buckets=(128, 192),
        suffix_buckets=(24, 64),
        answer_chunk=16,
    )


@pytest.fixture(scope="session")
def tiny_run(model_directory: Path, acting: RolloutConfig) -> RunConfig:
    """Two steps of two tasks."""
    return RunConfig(
        steps=2,
        checkpoint_every=1,
        policy=PolicyConfig(model=str(model_directory)),
        tasks=TaskConfig(scenarios=("jira_create_issue", "jira_transition_ticket"), per_step=2),
        rollout=acting,
        learner=LearnerConfig(micro_groups=1, suffix_buckets=(24, 64)),
        optimizer=OptimizerConfig(learning_rate=1e-2),
        evaluation=EvaluationConfig(tasks=3, batch=2),
    )


@pytest.fixture(scope="session")
def make_tasks() -> Callable[..., list[envs.Task]]:
    """Held-out tasks of one scenario."""

    def make(count: int, scenario: str = "jira_create_issue", first: int = 0) -> list[envs.Task]:
        return [envs.sample(scenario, seed, "heldout") for seed in range(first, first + count)]

    return make


Script = Callable[[int, int, int], Sequence[int]]
"""(group, member, turn) -> the tokens it writes."""


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, chat: Chat) -> Callable[[Script], None]:
    """Make every sampler write a script instead of sampling; its caches are filled as if it had been sampled."""

    def install(script: Script) -> None:
        turns: dict[tuple[int, int], int] = {}

        def decode(self, model, prefix, state, limits, key_BG, temperature):
            limit_BG, length_BG, slots = limits.length_BG, np.asarray(state.length_BG), state.suffix.num_slots
            token_BGS = np.full((*limit_BG.shape, slots), self.pad_token, np.int32)
            written = [[[] for _ in row] for row in limit_BG]
            for b, g in zip(*np.nonzero(length_BG < limit_BG), strict=True):
                begin, end = length_BG[b, g], limit_BG[b, g]
                turn = turns.get((b, g), 0)
                turns[b, g] = turn + 1
                tokens = list(script(int(b), int(g), turn))[: end - begin]
                token_BGS[b, g, begin : begin + len(tokens)] = tokens
                written[b][g] = tokens
            state = self.append(model, prefix, state, written)
            return state, Turn(token_BGS, np.full(token_BGS.shape, -0.5, np.float32))

        monkeypatch.setattr(Sampler, "decode", decode)

    return install


@pytest.fixture
def oracle_script(chat: Chat) -> Callable[[Sequence[envs.Task]], Script]:
    """The script in which every member does what its task's oracle does."""

    def of(tasks: Sequence[envs.Task]) -> Script:
        turns = [[chat.turn(text) for text in scripted_policies.oracle(task)] for task in tasks]
        return lambda b, g, turn: turns[b][turn]

    return of
