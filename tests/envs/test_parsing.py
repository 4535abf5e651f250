"""Model text -> calls: exact on good text, words the model can act on for bad text, never an exception."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs.parsing import Malformed, Wanted, parse_calls

GOOD = '<tool_call>\n{"name": "getPages", "arguments": {"title": "A"}}\n</tool_call>'


def test_parse_calls__reads_calls_in_order_around_any_text():
    other = GOOD.replace("getPages", "getSpaces")
    assert parse_calls(f"First.\n{GOOD}\n{other} and so on") == [
        Wanted("getPages", {"title": "A"}),
        Wanted("getSpaces", {"title": "A"}),
    ]


@pytest.mark.parametrize(
    "text", ["", "Done.", "{}", '{"name": "getPages", "arguments": {}}', "</tool_call>", "<think>x</think>"]
)
def test_parse_calls__text_without_a_call_has_none(text):
    assert parse_calls(text) == []


def test_parse_calls__a_thought_is_not_a_call():
    assert parse_calls(f"<think>{GOOD}</think>Done.") == []
    assert parse_calls(f"<think>{GOOD}") == []
    assert parse_calls(f"<think>{GOOD}</think>{GOOD}") == [Wanted("getPages", {"title": "A"})]


def test_parse_calls__arguments_may_be_left_out():
    assert parse_calls('<tool_call>{"name": "getSpaces"}</tool_call>') == [Wanted("getSpaces", {})]


@pytest.mark.parametrize(
    ("inside", "error", "message"),
    [
        ("", "malformed_json", "not valid JSON"),
        ("{", "malformed_json", "not valid JSON"),
        ("{'name': 'getPages'}", "malformed_json", "double quotes at character 1"),
        ('{"name": "x", "arguments": {"a": NaN}}', "malformed_json", "NaN is not a JSON value"),
        ('{"name": "x", "arguments": {"a": 1e999}}', "malformed_json", "too large"),
        ('{"name": "x", "arguments": {"a": 1, "a": 2}}', "malformed_json", "stands twice"),
        ('{"name": "x", "arguments": {"a": "\\ud800"}}', "malformed_json", "surrogate"),
        ('{"name": "x", "arguments": {"a": ' + "9" * 5000 + "}}", "malformed_json", "too many digits"),
        ('{"name": "x", "arguments": {"a": ' + "[" * 100 + "]" * 100 + "}}", "malformed_json", "nested too deeply"),
        ("[" * 100_000, "malformed_json", "nested too deeply"),
        ("[]", "malformed_call", '"name"'),
        ('{"arguments": {}}', "malformed_call", '"name"'),
        ('{"name": 3, "arguments": {}}', "malformed_call", '"name"'),
        (
            '{"name": "getPages", "arguments": "title"}',
            "malformed_call",
            'The "arguments" of getPages must be an object.',
        ),
        ('{"name": "getPages", "arguments": null}', "malformed_call", "must be an object"),
    ],
)
def test_parse_calls__says_what_is_wrong(inside, error, message):
    (found,) = parse_calls(f"<tool_call>{inside}</tool_call>")
    assert isinstance(found, Malformed)
    assert found.error == error and message in found.message


def test_parse_calls__an_open_call_is_answered():
    (found,) = parse_calls('<tool_call>\n{"name": "getPages", "arguments": {}}')
    assert isinstance(found, Malformed) and "</tool_call>" in found.message


FRAGMENTS = st.sampled_from(
    [
        "<tool_call>",
        "</tool_call>",
        "<think>",
        "</think>",
        '{"name": "createPage", "arguments": ',
        '{"name": "getPages", "arguments": ',
        "}",
        "\n",
        "[" * 2000,
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spaceId", "title", "body", "parentId", "space-id", "value", "id", "keys", "limit"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["createPage", "getPages", "getSpaces", "createIssue", "", "x"])
CALLS = st.builds(
    lambda name, value: f"<tool_call>{json.dumps({'name': name, 'arguments': value})}</tool_call>", NAMES, JSON
)


@settings(max_examples=2000, deadline=None)
@given(st.lists(FRAGMENTS | CALLS | st.text(max_size=20) | JSON.map(json.dumps), max_size=6).map("".join))
def test_episode__nothing_a_model_writes_raises(text):
    episode = envs.Episode(FUZZED)
    reply = episode.step(text)
    assert reply.done == (not reply.answers) and len(episode.trace) == len(reply.answers)
    for call, answer in zip(episode.trace, reply.answers, strict=True):
        assert answer.startswith("Error: ") == (call.status == 0) == (call.error not in ("", "refused"))
        answer.encode()
    assert 0.0 <= episode.verdict().reward < 1.0
    assert envs.rescore(json.loads(json.dumps(episode.to_dict()))) == episode.verdict()


FUZZED = envs.SCENARIOS["confluence_create_page"].sample(0, "train")
