"""Undeclared arguments are found at any depth; declared ones are not reported."""

import pytest

import envs
from envs.api.json_paths import inner_paths, inside, replaced
from envs.api.undeclared import declared_at, undeclared
from envs.scenarios.vocabulary.both_sites import BOTH

TABLE = BOTH.by_name()
PAGE = {"spaceId": "1", "title": "a", "body": {"representation": "storage", "value": "<p>b</p>"}}


@pytest.mark.parametrize(
    ("name", "arguments", "paths"),
    [
        ("getIssue", {"issueIdOrKey": "A-1", "fields": ["summary"], "expand": "names"}, []),
        ("getIssue", {"issueIdOrKey": "A-1", "colour": "x"}, [("colour",)]),
        ("createPage", PAGE, []),
        ("createPage", {**PAGE, "status": "draft"}, []),
        ("createPage", {**PAGE, "body": {**PAGE["body"], "colour": "x"}, "size": 1}, [("body", "colour"), ("size",)]),
        ("createIssue", {"fields": {"project": {"key": "A", "colour": 1}}}, [("fields", "project", "colour")]),
        ("createIssue", {"fields": {"project": "A", "labels": "b"}, "update": {"labels": [{"add": "c"}]}}, []),
        ("addLabelsToContent", {"id": "1", "labels": [{"name": "a"}, {"name": "b", "x": 1}]}, [("labels", 1, "x")]),
        ("addLabelsToContent", {"id": "1", "labels": {"name": "a", "prefix": "my"}}, []),
        ("editIssue", {"issueIdOrKey": "A-1", "fields": {"anything": {"goes": 1}}}, []),
        ("addComment", {"issueIdOrKey": "A-1", "body": {"type": "doc", "content": [{"type": "x"}]}}, []),
    ],
)
def test_undeclared__is_what_no_schema_names(name, arguments, paths):
    assert undeclared(TABLE[name], arguments) == paths


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_undeclared__an_oracle_has_none_and_a_name_from_nowhere_is_always_found_on_top(scenario):
    for split in ("train", "heldout"):
        task = envs.sample(scenario, 3, split)
        operations = task.api.by_name()
        for call in task.oracle:
            assert undeclared(operations[call.name], call.arguments) == []
            assert undeclared(operations[call.name], {**call.arguments, "nowhere": 1}) == [("nowhere",)]
            for path in inner_paths(call.arguments):
                if isinstance(value := inside(call.arguments, path), dict):
                    reported = undeclared(
                        operations[call.name], replaced(call.arguments, path, {**value, "nowhere": 1})
                    )
                    assert reported in ([], [(*path, "nowhere")])


@pytest.mark.parametrize(
    ("name", "path", "names"),
    [
        ("getIssue", (), {"issueIdOrKey", "fields", "expand"}),
        ("createPage", ("body",), {"representation", "value"}),
        ("addLabelsToContent", ("labels", 1), {"prefix", "name"}),
        ("createIssue", ("fields", "project"), {"id", "key"}),
        ("createPage", ("title",), set()),
        ("createPage", ("nowhere", 3, "x"), set()),
    ],
)
def test_declared_at__are_the_properties_of_an_object_there(name, path, names):
    assert names <= declared_at(TABLE[name], path).keys() and bool(names) == bool(declared_at(TABLE[name], path))
