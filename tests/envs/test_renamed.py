"""Laws of renamed names: each new name exists, and one line tells a file of an earlier version all of them."""

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

from envs.api.errors import EnvError
from envs.audit.__main__ import load
from envs.parsing.calls import parse_calls
from envs.renamed import RENAMED, explain

LIBRARY = Path(__file__).parents[1] / "earlier" / "library.py"
OWNERS = {"Api": "envs.api.operation", "Operation": "envs.api.operation", "Parameter": "envs.api.operation",
          "Scenario": "envs.scenarios.vocabulary.scenario", "Episode": "envs.episode",
          "parse_calls": "envs.parsing.calls"}  # fmt: skip


def exists(name: str) -> bool:
    """Whether a dotted name is a module, is found in one, or is a field, method or parameter of an owner here."""
    module, _, attribute = name.rpartition(".")
    if module in OWNERS:
        owner = getattr(importlib.import_module(OWNERS[module]), module)
        return attribute in inspect.signature(owner).parameters or hasattr(owner, attribute)
    try:
        return importlib.util.find_spec(name) is not None or hasattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return module in sys.modules and hasattr(sys.modules[module], attribute)


def follow(message: str, source: str) -> str:
    """The source with the advice of a message followed: statements and keywords replaced."""
    for new, old in re.findall("`([^`]+)` for `([^`]+)`", message):
        if old.endswith("=...)"):
            new, old = (text.split("(")[1].split("=")[0] + "=" for text in (new, old))
        assert old in source
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_renamed__names_what_there_is_for_what_is_not(old, new):
    assert exists(new) and not exists(old)


def test_audit__of_an_earlier_scenario_file_names_every_new_import_and_option():
    with pytest.raises(EnvError) as raised:
        load(str(LIBRARY))
    said = str(raised.value)
    assert "\n" not in said and str(LIBRARY) in said
    for keyword in ("Scenario(mistakes=...)` for `Scenario(habits=", "Operation(reject=...)` for `Operation(refuse="):
        assert keyword in said
    imports = [
        node for node in ast.walk(ast.parse(follow(said, LIBRARY.read_text()))) if isinstance(node, ast.ImportFrom)
    ]
    assert len(imports) > 5
    for node in imports:
        assert all(exists(f"{node.module}.{alias.name}") for alias in node.names), ast.unparse(node)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Parameter('title', 'query', {}, taken={})", "`Parameter(accepted_schema=...)` for `Parameter(taken=...)`"),
        ("Scenario(kept_back={})", "`Scenario(held_out_operations=...)` for `Scenario(kept_back=...)`"),
        ("from envs.told import told_before", "checks follow from the oracle now, so leave these out: envs.told.told"),
        ("import envs.reward.provenance as p", "so leave these out: envs.reward.provenance"),
        ("from envs.scenarios.vocabulary.oracle import like_oracle", "so leave these out: envs.scenarios.vocabulary.o"),
        ("from envs.scenarios.vocabulary.oracle import only", "so pass Api(normal_forms=...) instead of these: envs."),
        ("Check('x', weight=1, score=f, sentence='')", "so leave these out: Check.weight"),
        ("from envs.scenarios.scenario import Draft", "`from envs.task import TaskDraft` for"),
        ("Episode(task, lenient=True)", "`Episode(untagged_calls=...)` for `Episode(lenient=...)`"),
        ("parse_calls(text, lenient=True)", "`parse_calls(untagged_calls=...)` for `parse_calls(lenient=...)`"),
        (
            "from envs.parsing import parse_calls, Malformed as M",
            "`from envs.parsing.calls import parse_calls; from envs.parsing.hermes_json import Malformed as M` for",
        ),
        (
            "from envs.scenarios.jira_create_issue import SCENARIO",
            "`from envs.scenarios.jira.create_issue import SCENARIO` for",
        ),
        ("from envs.scenarios.jira_read_issue import named", "so pass TaskDraft(claim=...) instead of these: envs.sc"),
        ("from envs import policies", "`from envs import scripted_policies` for `from envs import policies`"),
    ],
)
def test_explain__names_the_new_option_or_import(line, said):
    assert said in explain(line, TypeError("whatever"))


def test_explain__finds_an_old_method_by_the_error():
    class Api:
        pass

    with pytest.raises(AttributeError) as raised:
        Api().table()  # type: ignore[attr-defined]
    assert explain("", raised.value) == "uses names of an earlier version: write Api.by_name for Api.table"


def test_explain__says_nothing_of_other_errors():
    for error in (TypeError("f() takes no arguments"), NameError("name 'x' is not defined"), ValueError("no")):
        assert explain("from envs.task import Task\nimport re\nx(y=1)", error) == ""
    assert explain("def", SyntaxError("invalid syntax")) == ""


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            "from envs.scenarios.jira_writes import as_asked, moves",
            "write `from envs.scenarios.vocabulary.jira_moves import planned_move` for "
            "`from envs.scenarios.jira_writes import as_asked, moves`; "
            "checks follow from the oracle now, so leave these out: envs.scenarios.jira_writes.as_asked",
        ),
        ("from envs.checks import nothing", "without a successor: envs.checks.nothing"),
    ],
)
def test_explain__advises_no_import_that_fails(line, advice):
    assert explain(line, ImportError("whatever")) == f"uses names of an earlier version: {advice}"


def test_explain__finds_an_old_function_of_a_package_by_the_error():
    import envs.parsing

    with pytest.raises(AttributeError) as raised:
        envs.parsing.parse_calls("text")  # type: ignore[attr-defined]
    said = "uses names of an earlier version: write envs.parsing.calls.parse_calls for envs.parsing.parse_calls"
    assert explain("", raised.value) == said


def test_explain__says_what_to_do_instead_of_a_dropped_attribute():
    from envs.reward import checks

    with pytest.raises(AttributeError) as raised:
        checks.outcome  # type: ignore[attr-defined]  # noqa: B018
    assert explain("", raised.value).endswith("so leave these out: envs.reward.checks.outcome")


def test_explain__finds_an_old_parameter_by_the_error():
    with pytest.raises(TypeError) as raised:
        parse_calls("text", **{"lenient": True})
    said = "uses names of an earlier version: write parse_calls.untagged_calls for parse_calls.lenient"
    assert explain("", raised.value) == said
