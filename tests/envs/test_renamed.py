"""Laws of renamed names: each new name exists, and a file of an earlier version is told all of them in one line."""

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

from envs.api.errors import EnvError
from envs.audit.__main__ import load
from envs.renamed import RENAMED, explain

LIBRARY = Path(__file__).parents[1] / "earlier" / "library.py"
CLASSES = {"Api": "envs.api.operation", "Operation": "envs.api.operation", "Parameter": "envs.api.operation",
           "Scenario": "envs.scenarios.vocabulary.scenario"}  # fmt: skip


def exists(name: str) -> bool:
    """Whether a dotted name is a module, is found in one, or is a field or method of a class here."""
    module, _, attribute = name.rpartition(".")
    if module in CLASSES:
        kind = getattr(importlib.import_module(CLASSES[module]), module)
        return attribute in kind.__dataclass_fields__ or hasattr(kind, attribute)
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
        ("from envs.told import told_before", "`from envs.reward.provenance import seen_before` for"),
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
