"""Parsing model text: exact on valid calls, a sentence for the model on invalid ones, never an exception."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs.parsing.calls import Malformed, ParsedCall, parse_calls

GOOD = '<tool_call>\n{"name": "getPages", "arguments": {"title": "A"}}\n</tool_call>'


def test_parse_calls__reads_calls_in_order_around_any_text():
    other = GOOD.replace("getPages", "getSpaces")
    assert parse_calls(f"First.\n{GOOD}\n{other} and so on") == [
        ParsedCall("getPages", {"title": "A"}),
        ParsedCall("getSpaces", {"title": "A"}),
    ]


@pytest.mark.parametrize(
    "text", ["", "Done.", "{}", '{"name": "getPages", "arguments": {}}', "</tool_call>", "<think>x</think>"]
)
def test_parse_calls__text_without_a_call_has_none(text):
    assert parse_calls(text) == []


def test_parse_calls__a_thought_is_not_a_call():
    assert parse_calls(f"<think>{GOOD}</think>Done.") == []
    assert parse_calls(f"<think>{GOOD}") == []
    assert parse_calls(f"<think>{GOOD}</think>{GOOD}") == [ParsedCall("getPages", {"title": "A"})]


def test_parse_calls__arguments_may_be_left_out():
    assert parse_calls('<tool_call>{"name": "getSpaces"}</tool_call>') == [ParsedCall("getSpaces", {})]


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
    (call,) = parse_calls(f"<tool_call>{inside}</tool_call>")
    assert isinstance(call, Malformed)
    assert call.error == error and message in call.message


def test_parse_calls__an_open_call_is_answered():
    (call,) = parse_calls('<tool_call>\n{"name": "getPages", "arguments": {}}')
    assert isinstance(call, Malformed) and "</tool_call>" in call.message


XML_CALLS = st.builds(
    lambda name, pairs: (
        f"<tool_call><function={name}>"
        + "".join(f"<parameter={key}>{value}</parameter>" for key, value in pairs)
        + "</function></tool_call>"
    ),
    st.sampled_from(["createPage", "getPages", "getSpaces", "", "x"]),
    st.lists(st.tuples(st.sampled_from(["spaceId", "title", "body", "space-id", "limit", ""]), st.text(max_size=9))),
)
FRAGMENTS = st.sampled_from(
    [
        "<tool_call>",
        "</tool_call>",
        "<think>",
        "</think>",
        "<function=createPage>",
        "</function>",
        "<parameter=body>",
        "</parameter>",
        "```json",
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


TEXTS = st.lists(FRAGMENTS | CALLS | XML_CALLS | st.text(max_size=20) | JSON.map(json.dumps), max_size=6).map("".join)


def nothing_raises(text: str, untagged_calls: bool) -> None:
    episode = envs.Episode(FUZZED, untagged_calls=untagged_calls)
    reply = episode.step(text)
    assert reply.done == (not reply.answers) and len(episode.trace) == len(reply.answers)
    for call, answer in zip(episode.trace, reply.answers, strict=True):
        assert answer.startswith("Error: ") == (call.status == 0) == (call.error not in ("", "refused"))
        answer.encode()
    assert 0.0 <= episode.verdict().reward < 1.0
    assert envs.rescore(json.loads(json.dumps(episode.to_dict()))) == episode.verdict()


@settings(max_examples=2000, deadline=None)
@given(TEXTS, st.booleans())
def test_episode__nothing_a_model_writes_raises(text, untagged_calls):
    nothing_raises(text, untagged_calls)


@pytest.mark.slow
@settings(max_examples=100_000, deadline=None)
@given(TEXTS, st.booleans())
def test_episode__nothing_that_a_hundred_thousand_texts_say_raises(text, untagged_calls):
    nothing_raises(text, untagged_calls)


XML = """<tool_call>
<function=createPage>
<parameter=title>
Blue
river
</parameter>
<parameter=spaceId>
123
</parameter>
<parameter=body>
{"representation": "storage", "value": "<p>Hi</p>"}
</parameter>
</function>
</tool_call>"""
SCHEMAS = {
    "createPage": {"title": {"type": "string"}, "body": {"type": "object"}, "limit": {"type": "integer"}},
    "getPages": {"status": {"enum": ["current"]}, "any": {}},
}


def xml(name: str, **parameters: str) -> str:
    inside = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in parameters.items())
    return f"<tool_call>\n<function={name}>\n{inside}</function>\n</tool_call>"


def test_xml__is_read_with_its_values_typed_by_the_schema():
    body = {"representation": "storage", "value": "<p>Hi</p>"}
    call = ParsedCall("createPage", {"title": "Blue\nriver", "spaceId": "123", "body": body})
    assert parse_calls(f"First.\n{XML}", SCHEMAS) == [call]
    assert parse_calls(XML) == [call]
    assert parse_calls(XML + GOOD) == [call, ParsedCall("getPages", {"title": "A"})]
    assert parse_calls(f"<think>{XML}</think>Done.") == []


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("title", "[1]", "[1]"),
        ("title", "12", "12"),
        ("title", " a ", " a "),
        ("title", "", ""),
        ("limit", "12", 12),
        ("body", "{}", {}),
        ("other", "[1]", [1]),
        ("other", "[1", "[1"),
        ("other", "true", "true"),
    ],
)
def test_xml__a_string_stays_text_and_the_rest_is_json(key, text, value):
    assert parse_calls(xml("createPage", **{key: text}), SCHEMAS) == [ParsedCall("createPage", {key: value})]


def test_xml__an_enum_of_strings_is_text():
    assert parse_calls(xml("getPages", status="current"), SCHEMAS) == [ParsedCall("getPages", {"status": "current"})]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("<tool_call><function=x></tool_call>", "malformed_call", "write </function>"),
        ("<tool_call><function=></function></tool_call>", "malformed_call", "<function=NAME>"),
        ("<tool_call><function=a b></function></tool_call>", "malformed_call", "<function=NAME>"),
        ("<tool_call><function=x></function>", "malformed_json", "write </tool_call> after its parameters"),
        ("<tool_call><function=x>hello</function></tool_call>", "malformed_call", "<parameter=NAME>"),
        ("<tool_call><function=x><parameter=a>1</function></tool_call>", "malformed_call", "close its parameter a"),
        ("<tool_call><function=x></function>more</tool_call>", "malformed_call", "<tool_call> of its own"),
        (xml("createPage", limit="many"), "malformed_json", "The parameter limit is not valid JSON"),
        (xml("createPage", body='{"a": NaN}'), "malformed_json", "NaN is not a JSON value"),
        (xml("createPage", body='{"a": 1, "a": 2}'), "malformed_json", "stands twice"),
        (xml("createPage", title="\ud800"), "malformed_json", "surrogate"),
        (xml("createPage", body="[" * 100_000), "malformed_json", "nested too deeply"),
        (xml("createPage", body="[" * 100 + "]" * 100), "malformed_json", "nested too deeply"),
        (
            "<tool_call><function=x><parameter=a>1</parameter><parameter=a>2</parameter></function></tool_call>",
            "malformed_call",
            "the parameter a twice",
        ),
    ],
)
def test_xml__says_what_is_wrong(text, error, message):
    (call,) = parse_calls(text, SCHEMAS)
    assert isinstance(call, Malformed)
    assert call.error == error and message in call.message


BARE = '{"name": "getPages", "arguments": {"title": "A"}}'


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        f"```json\n{BARE}\n```",
        f"I call:\n```\n{BARE}\n```\nnow",
        f"{{\n  {BARE[1:]}",
        '{"arguments": {"title": "A"}, "name": "getPages"}',
        "<function=getPages>\n<parameter=title>\nA\n</parameter>\n</function>",
        GOOD,
    ],
)
def test_untagged_calls__takes_a_call_without_tags_and_only_on_request(text):
    assert parse_calls(text, untagged_calls=True) == [ParsedCall("getPages", {"title": "A"})]
    assert parse_calls(text) == ([] if text != GOOD else [ParsedCall("getPages", {"title": "A"})])


def test_untagged_calls__several_in_order_and_none_inside_a_thought():
    other = BARE.replace("getPages", "getSpaces")
    assert [call.name for call in parse_calls(f"{BARE}\n{other}", untagged_calls=True)] == ["getPages", "getSpaces"]
    assert parse_calls(f"<think>{BARE}</think>Done.", untagged_calls=True) == []


@pytest.mark.parametrize(
    "text", ["Done.", "{}", '{"title": "A"}', '{"name": "Ann"}', '{"name": "Ann", "age": 3}', "[1, 2]", '"name"']
)
def test_untagged_calls__json_that_is_no_call_is_none(text):
    assert parse_calls(text, untagged_calls=True) == []


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (BARE[:-1], "malformed_json", "not valid JSON"),
        ('{"name": "x", "arguments": {"a": NaN}}', "malformed_json", "NaN"),
        ('{"name": "x", "arguments": 3}', "malformed_call", "must be an object"),
        ('{"name": 3, "arguments": {}}', "malformed_call", '"name"'),
        ('{"name": ' * 100_000, "malformed_json", "not valid JSON|nested"),
        ("<function=getPages>", "malformed_call", "not closed"),
    ],
)
def test_untagged_calls__says_what_is_wrong(text, error, message):
    call = parse_calls(text, untagged_calls=True)[-1]
    assert isinstance(call, Malformed)
    assert call.error == error and any(part in call.message for part in message.split("|"))


@pytest.mark.parametrize(
    "unit",
    ["<tool_call>", "<function=x>", "<parameter=", "{", '{"name": ', '{"name":"x","arguments":{}}', "[", "\ud800"],
)
@pytest.mark.parametrize("untagged_calls", [False, True])
def test_parse_calls__a_megabyte_of_anything_is_read_in_one_go(unit, untagged_calls):
    for text in (unit, f"<tool_call>{unit}", f"<tool_call><function=x>{unit}"):
        calls = parse_calls(text + unit * (1_000_000 // len(unit)), untagged_calls=untagged_calls)
        assert all(isinstance(call, Malformed | ParsedCall) for call in calls)


FUZZED = envs.SCENARIOS["confluence_create_page"].sample(0, "train")
