"""Normal forms of Confluence's records: equal after calls that mean the same, different after calls that do not."""

import json
import random
from typing import Any

import pytest

from envs.api.atlassian_document import displayed
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.confluence import CONFLUENCE, storage_format, wiki_markup
from envs.confluence.normal_forms import NORMAL_FORMS
from tests.envs.confluence.site import HOME, A, B, site

Calls = list[tuple[str, dict[str, Any]]]


def larger_site() -> Simulator:
    """Return the small site with two pages under the handbook."""
    simulator = site()
    for title in ("One", "Two"):
        simulator.call("createPage", {"spaceId": A, "parentId": B, "title": title})
    return simulator


WORLD = larger_site().world
ONE, TWO = (WORLD.find("pages", title=title)[0]["id"] for title in ("One", "Two"))


def in_order(value: Any) -> Any:
    """Return plain JSON with the keys of objects in order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


def meaning(world: World) -> dict[str, list[str]]:
    """Return the normal forms of all records, by table; records that were not there from the start have no id."""
    return {
        table: sorted(str((key if key in WORLD.tables.get(table, {}) else "new", in_order(form(world, record))))
                      for key, record in world.tables.get(table, {}).items())
        for table, form in NORMAL_FORMS.items() if world.tables.get(table)
    }  # fmt: skip


def after(calls: Calls) -> dict[str, list[str]]:
    """Return the meaning of the site after calls, all of which must be accepted."""
    simulator = larger_site()
    for name, arguments in calls:
        response = simulator.call(name, arguments)
        assert response.ok, (name, arguments, response.body)
    return meaning(simulator.world)


def new(value: str = "<p>x</p>", representation: str = "storage", **more: Any) -> Calls:
    """Plan a new page."""
    body = {"representation": representation, "value": value}
    return [("createPage", {"spaceId": A, "title": "New", "body": body} | more)]


def adf(*blocks: Any) -> Calls:
    """Plan a new page with an Atlassian Document."""
    return new(json.dumps({"type": "doc", "version": 1, "content": list(blocks)}), "atlas_doc_format")


def wiki(value: str) -> Calls:
    """Plan a new page in wiki markup."""
    return new(value, "wiki")


def block(kind: str, *content: Any, **attrs: Any) -> dict[str, Any]:
    """Return a node."""
    return {"type": kind, "content": list(content), **({"attrs": attrs} if attrs else {})}


def words(value: str, *marks: Any) -> dict[str, Any]:
    """Return a text node."""
    return {"type": "text", "text": value, **({"marks": list(marks)} if marks else {})}


def update(page: str = B, number: int = 2, **more: Any) -> Calls:
    """Plan an update of a page."""
    body = {"representation": "storage", "value": "<p>New</p>"}
    arguments = {"id": page, "status": "current", "title": "Handbook", "body": body, "version": {"number": number}}
    return [("updatePage", arguments | more)]


def move(page: str, position: str, target: str) -> Calls:
    """Plan a move."""
    return [("movePage", {"pageId": page, "position": position, "targetId": target})]


def label(*names: Any) -> Calls:
    """Plan labels of the handbook."""
    labels = [name if isinstance(name, dict) else {"prefix": "global", "name": name} for name in names]
    return [("addLabelsToContent", {"id": B, "labels": labels})]


def comment(value: str, representation: str = "storage", **more: Any) -> Calls:
    """Plan a footer comment."""
    body = {"representation": representation, "value": value}
    return [("createFooterComment", {"pageId": B, "body": body} | more)]


def prop(value: Any, key: str = "k") -> Calls:
    """Plan a content property."""
    return [("createPageProperty", {"page-id": B, "key": key, "value": value})]


def macro(name: str, content: str = "") -> str:
    """Return a macro in storage format."""
    return f'<ac:structured-macro ac:name="{name}">{content}</ac:structured-macro>'


STRONG, EM, CODE = ({"type": kind} for kind in ("strong", "em", "code"))
PARAGRAPH = block("paragraph", words("x"))
LIST = "<ul><li>a</li><li>b</li></ul>"
CODE_MACRO = (
    '<ac:structured-macro ac:name="code" ac:macro-id="7"><ac:parameter ac:name="language">py</ac:parameter>'
    "<ac:plain-text-body><![CDATA[if a < b:\n  c]]></ac:plain-text-body></ac:structured-macro>"
)
DELETE_TWO: Calls = [("deletePage", {"id": TWO})]
EMPTY_TWO: Calls = [("updatePage", {"id": TWO, "status": "current", "title": "Two", "version": {"number": 2},
                                    "body": {"representation": "storage", "value": ""}})]  # fmt: skip

EQUAL: dict[str, tuple[Calls, Calls]] = {
    "changed twice": (update(), [*update(title="Other"), *update(number=3)]),
    "bare text": (new(), new("x")),
    "line end after the paragraph": (new(), new("<p>x</p>\n")),
    "space in the paragraph": (new(), new(" <p> x\n</p> ")),
    "paragraphs on two lines": (new("<p>a</p><p>b</p>"), new("<p>a</p>\n<p>b</p>")),
    "paragraph with attributes": (new(), new('<p local-id="1" data-x="y" class="z">x</p>')),
    "empty paragraphs": (new(), new("<p></p><p>x</p><p>&nbsp;</p><p />")),
    "wrapped in elements": (new(), new("<div><p><span>x</span></p></div>")),
    "tags in capitals": (new(), new("<P>x</P>")),
    "ampersand": (new("<p>a &amp; b</p>"), new("<p>a & b</p>")),
    "quotes": (new("<p>&quot;a&quot; it&rsquo;s</p>"), new('<p>"a" it\u2019s</p>')),
    "space that does not break": (new("<p>a b</p>"), new("<p>a&nbsp;b</p>")),
    "runs of spaces": (new("<p>a b</p>"), new("<p>a \n  b</p>")),
    "document": (new(), adf(PARAGRAPH)),
    "document with local ids": (new(), adf(block("paragraph", words("x"), localId="1"))),
    "wiki markup": (new(), wiki("x")),
    "wiki markup with line ends": (new(), wiki("\nx\n\n")),
    "nested representation": (new(), new(body={"storage": {"value": "<p>x</p>"}})),
    "two paragraphs as a document": (new("<p>x</p><p>x</p>"), adf(PARAGRAPH, PARAGRAPH)),
    "two paragraphs in wiki": (new("<p>a</p><p>b</p>"), wiki("a\n\nb")),
    "breaks": (new("<p>a<br/>b</p>"), new("<p>a<br>b<br /></p>")),
    "break as a document": (
        new("<p>a<br/>b</p>"),
        adf(block("paragraph", words("a"), {"type": "hardBreak"}, words("b"))),
    ),
    "break in wiki": (new("<p>a<br/>b</p>"), wiki("a\nb")),
    "forced break in wiki": (new("<p>a<br/>b</p>"), wiki(r"a\\b")),
    "strong and b": (new("<p>a <strong>b</strong></p>"), new("<p>a <b>b</b></p>")),
    "marks as a document": (
        new("<p>a <strong>b</strong> <em>c</em> <code>d</code></p>"),
        adf(block("paragraph", words("a "), words("b", STRONG), words(" "), words("c", EM), words(" d", CODE))),
    ),
    "marks in wiki": (new("<p>a <strong>b</strong> <em>c</em> <code>d</code></p>"), wiki("a *b* _c_ {{d}}")),
    "nested marks": (new("<p><strong><em>a</em></strong></p>"), new("<p><em><strong>a</strong></em></p>")),
    "heading in wiki": (new("<h2>T</h2><p>x</p>"), wiki("h2. T\nx")),
    "heading as a document": (new("<h2>T</h2><p>x</p>"), adf(block("heading", words("T"), level=2), PARAGRAPH)),
    "list with paragraphs": (new(LIST), new("<ul>\n<li><p>a</p></li>\n<li><p>b</p></li>\n</ul>")),
    "list in wiki": (new(LIST), wiki("* a\n* b")),
    "list with hyphens in wiki": (new(LIST), wiki("- a\n- b")),
    "nested lists in wiki": (new("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>"), wiki("* a\n*# b\n* c")),
    "numbered list as a document": (
        new("<ol><li>x</li></ol>"),
        adf(block("orderedList", block("listItem", PARAGRAPH), order=1)),
    ),
    "link as a document": (
        new('<p><a href="https://x.test">y</a></p>'),
        adf(block("paragraph", words("y", {"type": "link", "attrs": {"href": "https://x.test"}}))),
    ),
    "link in wiki": (new('<p>see <a href="https://x.test">y</a></p>'), wiki("see [y|https://x.test]")),
    "code in wiki": (new(CODE_MACRO), wiki("{code:py}\nif a < b:\n  c\n{code}")),
    "code as a document": (new(CODE_MACRO), adf(block("codeBlock", words("if a < b:\n  c"), language="py"))),
    "macro under another id": (new(CODE_MACRO), new(CODE_MACRO.replace('"7"', '"8"'))),
    "quote in wiki": (new("<blockquote><p>x</p></blockquote>"), wiki("bq. x")),
    "rule in wiki": (new("<hr/><p>x</p>"), wiki("----\nx")),
    "panel as a document": (
        new(macro("info", "<ac:rich-text-body><p>x</p></ac:rich-text-body>")),
        adf(block("panel", PARAGRAPH, panelType="info")),
    ),
    "mention as a document": (
        new('<p><ac:link><ri:user ri:account-id="u1" /></ac:link> x</p>'),
        adf(block("paragraph", {"type": "mention", "attrs": {"id": "u1", "text": "@Kim"}}, words(" x"))),
    ),
    "table with a body": (
        new("<table><tr><td>a</td></tr></table>"),
        new("<table><tbody><tr><td><p>a</p></td></tr></tbody></table>"),
    ),
    "homepage as the parent": (new(), new(parentId=HOME)),
    "numbers as ids": (new(), new(spaceId=int(A), parentId=int(HOME))),
    "current": (new(), new(status="current")),
    "no body": (new(""), new("<p></p>")),
    "space around a title": (new(), new(title=" New ")),
    "empty message": (update(), update(version={"number": 2, "message": ""})),
    "some message": (update(), update(version={"number": 2, "message": "Fixed"})),
    "own parent and space": (update(), update(parentId=HOME, spaceId=A)),
    "new text as a document": (
        update(),
        update(body=adf(block("paragraph", words("New")))[0][1]["body"]),
    ),
    "title alone": (
        [("updatePageTitle", {"id": TWO, "status": "current", "title": "Too"})],
        [(EMPTY_TWO[0][0], EMPTY_TWO[0][1] | {"title": "Too"})],
    ),
    "moved by an update": (move(TWO, "append", ONE), [(EMPTY_TWO[0][0], EMPTY_TWO[0][1] | {"parentId": ONE})]),
    "moved after the last": (move(ONE, "append", B), move(ONE, "after", TWO)),
    "labels one by one": (label("a", "b"), [*label("b"), *label("a")]),
    "label twice": (label("a"), [*label("A"), *label("a")]),
    "label removed again": ([], [*label("a"), ("removeLabelFromContent", {"id": B, "label": "a"})]),
    "one label": (label("a"), [("addLabelsToContent", {"id": B, "labels": {"prefix": "global", "name": "a"}})]),
    "comment in wiki": (comment("<p>a <strong>b</strong></p>"), comment("a *b*", "wiki")),
    "comment in bare text": (comment("<p>a</p>"), comment("a\n")),
    "property in other order": (prop({"a": 1, "b": [2]}), prop({"b": [2], "a": 1})),
    "property with a whole float": (prop(2), prop(2.0)),
}  # fmt: skip

UNEQUAL: dict[str, tuple[Calls, Calls]] = {
    "nothing and a page": ([], new()),
    "one page and two": (new(), [*new(), *new(title="Newer")]),
    "other text": (new(), new("<p>y</p>")),
    "other capitals": (new(), new("<p>X</p>")),
    "no text": (new(), new("")),
    "escaped markup": (new(), new("<p>&lt;p&gt;x&lt;/p&gt;</p>")),
    "markup as text of a document": (new(), adf(block("paragraph", words("<p>x</p>")))),
    "two paragraphs as one": (new("<p>a</p><p>b</p>"), new("<p>a b</p>")),
    "a break": (new("<p>a b</p>"), new("<p>a<br/>b</p>")),
    "break and paragraphs": (new("<p>a<br/>b</p>"), new("<p>a</p><p>b</p>")),
    "paragraphs in order": (new("<p>a</p><p>b</p>"), new("<p>b</p><p>a</p>")),
    "line end in bare text": (new("<p>a</p><p>b</p>"), new("a\nb")),
    "strong": (new(), new("<p><strong>x</strong></p>")),
    "strong and em": (new("<p><strong>x</strong></p>"), new("<p><em>x</em></p>")),
    "markdown": (new("<p><strong>x</strong></p>"), new("<p>**x**</p>")),
    "wiki markup in storage": (new("<h1>x</h1>"), new("h1. x")),
    "storage in wiki markup": (new(), wiki("<p>x</p>")),
    "heading": (new(), new("<h1>x</h1>")),
    "other level": (new("<h1>x</h1>"), new("<h2>x</h2>")),
    "list": (new("<p>a</p><p>b</p>"), new(LIST)),
    "numbered": (new(LIST), new(LIST.replace("ul>", "ol>"))),
    "items in order": (new(LIST), wiki("* b\n* a")),
    "nested item": (new(LIST), wiki("* a\n** b")),
    "items as one": (new(LIST), new("<ul><li>a b</li></ul>")),
    "other link": (new('<a href="https://x.test">y</a>'), new('<a href="https://y.test">y</a>')),
    "linked": (new("<p>y</p>"), new('<p><a href="https://x.test">y</a></p>')),
    "other code": (new(CODE_MACRO), new(CODE_MACRO.replace("  c", " c"))),
    "other language": (new(CODE_MACRO), new(CODE_MACRO.replace(">py<", ">c<"))),
    "code as text": (new(CODE_MACRO), new("<p>if a &lt; b: c</p>")),
    "other macro": (new(macro("toc")), new(macro("children"))),
    "macro's parameter": (
        new(macro("toc")),
        new(macro("toc", '<ac:parameter ac:name="minLevel">2</ac:parameter>')),
    ),
    "macro and nothing": (new(macro("toc")), new("")),
    "other image": (
        new('<ac:image><ri:attachment ri:filename="a.png" /></ac:image>'),
        new('<ac:image><ri:attachment ri:filename="b.png" /></ac:image>'),
    ),
    "other account": (
        new('<ac:link><ri:user ri:account-id="u1" /></ac:link>'),
        new('<ac:link><ri:user ri:account-id="u2" /></ac:link>'),
    ),
    "other page linked": (
        new('<ac:link><ri:page ri:content-title="One" /></ac:link>'),
        new('<ac:link><ri:page ri:content-title="Two" /></ac:link>'),
    ),
    "cell and header": (new("<table><tr><td>a</td></tr></table>"), new("<table><tr><th>a</th></tr></table>")),
    "other title": (new(), new(title="Newest")),
    "title in capitals": (new(), new(title="NEW")),
    "other parent": (new(), new(parentId=B)),
    "at the root": (new(), new(**{"root-level": True})),
    "other space": (new(), new(spaceId="222222")),
    "draft": (new(), new(status="draft")),
    "title changed as well": (update(), update(title="Other")),
    "moved elsewhere": (move(TWO, "append", ONE), move(ONE, "append", TWO)),
    "in the trash": ([], DELETE_TWO),
    "purged": (DELETE_TWO, [*DELETE_TWO, ("deletePage", {"id": TWO, "purge": True})]),
    "one label more": (label("a"), label("a", "b")),
    "label's prefix": (label("a"), label({"prefix": "my", "name": "a"})),
    "comment elsewhere": (comment("a"), comment("a", pageId=ONE)),
    "other comment": (comment("a"), comment("b")),
    "comment changed": (
        comment("a"),
        [*comment("b"), ("updateFooterComment", {"comment-id": str(WORLD.copy().new_id()), "version": {"number": 2},
                                                 "body": {"representation": "storage", "value": "a"}})],
    ),
    "other property": (prop(1), prop(1, "l")),
    "other value": (prop(1), prop("1")),
    "true and one": (prop(1), prop(True)),
    "null and empty": (prop(None), prop("")),
    "attachment deleted": ([], [("deleteAttachment", {"id": "att77"})]),
}  # fmt: skip


@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
def test_equal__after_calls_that_mean_the_same(pair: tuple[Calls, Calls]) -> None:
    assert after(pair[0]) == after(pair[1])


@pytest.mark.parametrize("pair", UNEQUAL.values(), ids=UNEQUAL)
def test_unequal__after_calls_that_differ(pair: tuple[Calls, Calls]) -> None:
    assert after(pair[0]) != after(pair[1])


@pytest.mark.parametrize(
    ("markup", "storage"),
    [
        ("a-b 2*3*4 snake_case_name", "a-b 2*3*4 snake_case_name"),
        (r"\*a\* \[b\]", "*a* [b]"),
        ("*a _b_*", "<strong>a <em>b</em></strong>"),
        ("-a- +b+ ^c^ ~d~", "<s>a</s> <u>b</u> <sup>c</sup> <sub>d</sub>"),
        ("https://x.test/a.", '<a href="https://x.test/a">https://x.test/a</a>.'),
        ("[~accountid:u1] b", '<ac:link><ri:user ri:account-id="u1"/></ac:link> b'),
        ("{quote}\na\n\nb\n{quote}\nc", "<blockquote><p>a</p><p>b</p></blockquote><p>c</p>"),
        ("* a\n* b\n\n# c", "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>"),
        ("{noformat}*a*{noformat}", "<pre>*a*</pre>"),
        ("{color:red}a", "{color:red}a"),
    ],
)
def test_wiki__displays_what_storage_does(markup: str, storage: str) -> None:
    assert displayed(wiki_markup.document(markup), {}) == displayed(storage_format.document(storage), {})


PIECES = ["<p>", "</p>", "<ul>", "<li", ">", "</li>", "<!", "<![", "<![CDATA[", "]]>", "<!--", "-->", "&amp", "<h1>",
          "<ac:link>", '<ri:user ri:account-id="', "<ac:structured-macro", ' ac:name="code"', "<br/>", "<?", "{code}",
          '"', "<time datetime='2026-13-01'>", "<td colspan=²>", "* ", "#* ", "h1. ", "{quote}", "*a*", "_", "x ", "[",
          "|", "]", "\n", "\\", "{{", "}}", "https://", "\u0000", "<script>", "<ac:task>", "-", "&#xffffff;",
          "<b>"]  # fmt: skip


def test_form__never_raises_whatever_the_record_holds() -> None:
    rng = random.Random(3)
    for _ in range(1000):
        value = "".join(rng.choices(PIECES, k=rng.randrange(40)))
        document = rng.choice(
            [value, json.dumps({"content": [value, {"type": rng.choice([1, "text", "panel"])}]}), "[]"]
        )
        for representation, text in (
            ("storage", value),
            ("wiki", value),
            ("atlas_doc_format", document),
            (None, value),
        ):
            body = {"representation": representation, "value": text}
            old = [{"body": {**body, "value": document}}, None]
            record = {"body": body, "title": rng.choice([None, 1, "x"]), "labels": [rng.choice([{}, 1]), {"name": 2}],
                      "version": 3, "history": rng.choice([None, old])}  # fmt: skip
            for form in NORMAL_FORMS.values():
                json.dumps(form(WORLD, record))
    for deep in (
        "<div><b>" * 5000,
        "<ul><li>" * 5000,
        "[" * 50_000,
        '{"content":[' * 900 + "]}" * 900,
        "*" * 50 + " a",
    ):
        for representation in ("storage", "wiki", "atlas_doc_format"):
            body = {"representation": representation, "value": deep}
            assert isinstance(NORMAL_FORMS["comments"](WORLD, {"body": body}), dict)


def test_api__has_the_forms() -> None:
    assert CONFLUENCE.normal_forms == NORMAL_FORMS
