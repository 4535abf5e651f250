"""Laws of recorded chats: the model's tokens and no others are learnt, and a bad line is named."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import models
from jaxrlvr import sft
from jaxrlvr.imitation import recorded_chats, stages
from jaxrlvr.imitation.stages import SFTConfig, Stage
from jaxrlvr.learning.batch import Shape, pack
from jaxrlvr.learning.learner import Learner
from jaxrlvr.learning.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.rollout.policy import load_chat
from jaxrlvr.runtime.errors import UserError

TOOL = {
    "type": "function",
    "function": {"name": "getIssue", "parameters": {"type": "object", "properties": {"key": {"type": "string"}}}},
}
CALL = {"id": "1", "type": "function", "function": {"name": "getIssue", "arguments": '{"key": "A-1"}'}}


def message(role, content, **more):
    return {"role": role, "content": content, **more}


TALK = {
    "messages": [
        message("system", "Be brief."),
        message("user", "What is A-1?"),
        message("assistant", None, tool_calls=[CALL]),
        message("tool", '{"summary": "<tool_call> leak"}'),
        message("assistant", "A leak."),
        message("user", "Thanks."),
        message("assistant", "Bye."),
        message("user", "Never answered."),
    ],
    "tools": [TOOL],
}


def write(path, *talks):
    path.write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    return str(path)


def text(chat, tokens):
    return chat.tokenizer.decode(tokens, skip_special_tokens=False)


def test_training_group__counts_what_the_assistant_wrote_and_nothing_else(chat, tmp_path):
    (talk,) = recorded_chats.read_chats(write(tmp_path / "a.jsonl", TALK))
    row = recorded_chats.training_group(chat, talk)
    (suffix,) = row.suffixes
    learnt = text(chat, suffix.tokens[suffix.sampled])
    call = '<tool_call>\n{"name": "getIssue", "arguments": {"key": "A-1"}}\n</tool_call>'
    assert learnt == f"{call}<|im_end|>A leak.<|im_end|>Bye.<|im_end|>"
    context = text(chat, suffix.tokens[~suffix.sampled])
    assert "leak" in context and "Thanks." in context and "Never answered." not in context
    assert "<tool_call>" not in context, "what a tool answers cannot open a call"
    prefix = text(chat, row.prefix)
    assert (
        "Be brief." in prefix
        and "getIssue" in prefix
        and prefix.endswith("What is A-1?<|im_end|>\n<|im_start|>assistant\n")
    )


def test_training_group__is_the_template_of_the_whole_chat(chat, tmp_path):
    """Without what has to be escaped, the tokens are those of the conversation rendered at once."""
    talk = {**TALK, "messages": [*TALK["messages"][:3], message("tool", '{"summary": "x"}'), *TALK["messages"][4:7]]}
    (read,) = recorded_chats.read_chats(write(tmp_path / "a.jsonl", talk))
    row = recorded_chats.training_group(chat, read)
    whole = chat.tokenizer.apply_chat_template(read.messages, tools=read.tools, tokenize=False)
    assert text(chat, [*row.prefix, *row.suffixes[0].tokens]) + "\n" == whole


def test_written__leaves_out_an_empty_thought_of_the_opening(chat, monkeypatch):
    """Imitate Qwen3's template: its opening without thinking has an empty thought, a finished message has none."""
    opened = "<|im_start|>user\n-<|im_end|>\n<|im_start|>assistant\n"

    def render(self, messages, tools, opened_=None, *, opened=None):
        return f"{OPEN}<think>\n\n</think>\n\n" if opened else f"{OPEN}Hello.<|im_end|>\n"

    OPEN = opened
    monkeypatch.setattr(type(chat), "_render", render)
    assert chat.written(message("assistant", "Hello.")) == "Hello."


def test_share_prefixes__fills_groups_up(chat):
    rows = [
        replace(
            recorded_chats.training_group(
                chat, recorded_chats.Conversation([message("user", ask), message("assistant", answer)], [])
            )
        )
        for ask, answer in (("a", "1"), ("b", "2"), ("a", "3"), ("a", "4"))
    ]
    groups = recorded_chats.share_prefixes(rows, 2)
    learnt = [[text(chat, suffix.tokens) for suffix in group.suffixes] for group in groups]
    assert learnt == [["1<|im_end|>", "3<|im_end|>"], ["4<|im_end|>", ""], ["2<|im_end|>", ""]]


def test_share_prefixes__learns_the_same_as_one_by_one(policy, loaded, chat):
    pairs = (("a", "one two"), ("b", "three"), ("a", "four five six"))
    rows = [
        recorded_chats.training_group(
            chat, recorded_chats.Conversation([message("user", q), message("assistant", a)], [])
        )
        for q, a in pairs
    ]
    results = []
    for members in (1, 2):
        groups = recorded_chats.share_prefixes(rows, members)
        learner = Learner(loaded.graphdef, make_optimizer(OptimizerConfig(learning_rate=1e-3)), stages.IMITATION)
        state = learner.init(jax.tree.map(jnp.copy, loaded.params))
        _, stats = learner.update(state, pack(groups, Shape(len(groups), (32,), (32,)), chat.pad_token).batches)
        results.append((float(stats.means.loss), float(stats.grad_norm)))
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def calling(function):
    """A chat, as a line, in which the assistant makes a call."""
    return json.dumps(
        {"messages": [TALK["messages"][0], {"role": "assistant", "tool_calls": [{"function": function}]}]}
    )


def test_read__names_the_line_that_is_no_text(tmp_path):
    path = tmp_path / "bytes.jsonl"
    path.write_bytes(json.dumps(TALK).encode() + b"\n\xff\xfe\n")
    with pytest.raises(UserError, match="bytes.jsonl, line 2: .*utf-8"):
        recorded_chats.read_chats(str(path))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "line 2: Expecting property name"),
        ("[]", 'expected an object with "messages"'),
        ('{"messages": [{"role": "user", "content": "x"}]}', "nothing to learn"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "nothing to learn"),
        ('{"messages": [{"role": "bot", "content": "x"}]}', "message 0 needs one of the roles system, user"),
        ('{"messages": [{"role": "user", "content": [1]}]}', "the content of message 0 is not text"),
        ('{"messages": [{"role": "user", "content": "x", "tool_calls": [{}]}]}', "without a name and arguments"),
        (calling({"name": None, "arguments": {}}), "without a name and arguments"),
        (calling({"name": "f", "arguments": "[1]"}), "without a name and arguments"),
        (json.dumps({**TALK, "tools": [{"x": 1}]}), '"tools" must be a list of JSON schemas of functions, each with a'),
    ],
)
def test_read__names_the_line_and_what_is_wrong(tmp_path, line, wrong):
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(TALK) + "\n" + line + "\n")
    with pytest.raises(UserError, match="bad.jsonl, line 2: ") as raised:
        recorded_chats.read_chats(str(path))
    assert wrong in str(raised.value) and "\n" not in str(raised.value)


def test_read__of_nothing_says_what_is_expected(tmp_path):
    with pytest.raises(UserError, match="no such file of chats: .*; expected one JSON object per line"):
        recorded_chats.read_chats(str(tmp_path / "none.jsonl"))
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UserError, match="contains no chats"):
        recorded_chats.read_chats(str(tmp_path / "empty.jsonl"))


def test_recorded__shows_every_chat_before_any_again_and_follows_from_the_seed(chat, tmp_path):
    talks = [{"messages": [message("user", f"{n}"), message("assistant", f"{n}")]} for n in range(6)]
    stage = Stage("x", 4, OptimizerConfig(), chats=write(tmp_path / "a.jsonl", *talks), episodes=3)

    def shown(seed):
        return [[text(chat, row.suffixes[0].tokens) for row in rows] for rows in stages.recorded(chat, stage, seed)]

    first = shown(0)
    assert len({*first[0], *first[1]}) == 6 and len({*first[2], *first[3]}) == 6
    assert first == shown(0) != shown(1)


def test_sft__learns_a_file_of_chats(model_directory, tmp_path):
    talks = [{"messages": [message("user", "sing"), message("assistant", "la la la")]}, TALK]
    file, out = write(tmp_path / "chats.jsonl", *talks), tmp_path / "out"
    changes = ["--stages.0.steps", "6", "--stages.0.optimizer.learning-rate", "0.01", "--stages.0.episodes", "8"]
    changes += ["--prefix-buckets", "64", "--suffix-buckets", "96", "--micro-batch", "4"]
    sft.main([file, "--model", str(model_directory), "--out", str(out), *changes])
    before, after = (loss(directory, file) for directory in (model_directory, out))
    assert after < before - 0.5
    with pytest.raises(UserError, match="no such file of chats: nope.jsonl"):
        sft.read_arguments(["nope.jsonl"])
    with pytest.raises(UserError, match="name the model to train on them with --model"):
        sft.main([file, "--out", str(tmp_path / "other")])


def loss(directory, file):
    from flax import nnx

    graphdef, params = nnx.split(models.load(directory))
    chat = load_chat(directory)
    groups = [recorded_chats.training_group(chat, conversation) for conversation in recorded_chats.read_chats(file)]
    (batch,) = pack(groups, Shape(2, (64,), (96,)), chat.pad_token).batches
    learner = Learner(graphdef, make_optimizer(OptimizerConfig()), stages.IMITATION)
    return -float(np.asarray(learner.recompute(params, batch))[batch.sampled_BGT].mean())


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, "needs either scenarios or a file of chats"),
        ({"scenarios": ("a",), "chats": "x"}, "and not both"),
        ({"scenarios": ("a",), "members": 2}, "has members 2"),
        ({"chats": "x", "members": 0}, "has members 0"),
    ],
)
def test_stage__without_or_with_too_much_to_show_is_refused(settings, wrong):
    with pytest.raises(UserError, match=wrong):
        Stage("able", 5, OptimizerConfig(), **settings)


def test_start__from_nothing_needs_scenarios(tmp_path):
    stage = Stage("x", 1, OptimizerConfig(), chats="x")
    shape = models.ModelConfig(
        vocab_size=64, hidden_size=16, num_layers=1, num_heads=1, num_kv_heads=1, head_dim=8, mlp_size=8
    )
    with pytest.raises(UserError, match="a new tokenizer is trained on scenarios"):
        stages.start_from_nothing(SFTConfig((stage,), shape=shape), tmp_path)
    assert list(tmp_path.iterdir()) == []
