"""Stored episodes score the same again; a file without valid ones is refused in one sentence that names the line."""

import json

import pytest

import envs
from envs import scripted_policies
from envs import stored_episodes as command
from envs.api.json_paths import inside
from envs.reward.verdict import RULES


@pytest.fixture
def records() -> list[dict]:
    stored = []
    for scenario in envs.SCENARIOS:
        task = envs.sample(scenario, 1, "train")
        for policy in (scripted_policies.oracle, scripted_policies.do_nothing, scripted_policies.duplicate_spam):
            episode = envs.Episode(task)
            for turn in policy(task):
                episode.step(turn)
            stored.append({"step": 3, "episode": episode.to_dict(), "verdict": episode.verdict().to_dict()})
    return stored


def stored(tmp_path, lines) -> str:
    path = tmp_path / "episodes.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(path)


def test_read__what_runs_store_scores_the_same(records, tmp_path):
    rescored = list(command.read(stored(tmp_path, records)))
    assert [episode.now.to_dict() for episode in rescored] == [
        envs.rescore(record["episode"]).to_dict() for record in records
    ]
    assert not any(episode.differs for episode in rescored)
    bare = list(command.read(stored(tmp_path, [record["episode"] for record in records])))
    assert [episode.now for episode in bare] == [episode.now for episode in rescored]
    assert all(episode.then is None for episode in bare)


def test_summarise__means_and_what_differs(records, tmp_path):
    records[0]["verdict"]["reward"] = 0.5
    rows = command.summarise(list(command.read(stored(tmp_path, records))))
    assert [row.scenario for row in rows] == list(envs.SCENARIOS)
    assert rows[0].episodes == rows[0].stored == 3 and rows[0].differ == 1
    assert rows[0].reward - rows[0].stored_reward == pytest.approx(0.5 / 3)
    assert sum(row.differ for row in rows) == 1


def test_main__prints_a_row_per_scenario_or_a_line_per_episode(records, tmp_path, capsys):
    path = stored(tmp_path, records)
    assert command.main([path]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(envs.SCENARIOS)
    assert command.main([path, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == len(records) and lines[0]["verdict"]["success"]


def test_read__a_number_that_has_no_difference_is_none(records, tmp_path):
    """Other line separators inside a string do not end the line."""
    records[0]["text"] = "a\u2028b\x0bc"
    path = tmp_path / "episodes.jsonl"
    path.write_text(json.dumps(records[0], ensure_ascii=False))
    assert len(list(command.read(str(path)))) == 1


EPISODE = {
    "task": {"scenario": "jira_create_issue", "seed": 0, "split": "train"},
    "calls": [],
    "stopped": True,
    "rules": RULES,
}
CALL = {"name": "createIssue", "arguments": {}, "status": 400, "body": None, "error": "refused", "turn": 0}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: an episode should be a JSON object, not \\[\\]"),
        ({}, 'a stored episode needs "task"'),
        ({"episode": 3}, 'the "episode" should be an object, not 3'),
        ({**EPISODE, "task": 3}, '"task" of a stored episode should be an object, not 3'),
        ({**EPISODE, "calls": 4}, '"calls" of a stored episode should be a list of objects, not 4'),
        ({**EPISODE, "calls": [1]}, "stored call 1 should be an object, not 1"),
        ({**EPISODE, "calls": [{"colour": 1}]}, 'stored call 1 needs "name"'),
        ({**EPISODE, "calls": [{**CALL, "colour": 1}]}, "stored call 1 has no field 'colour'"),
        ({**EPISODE, "calls": [{**CALL, "turn": "x"}]}, "\"turn\" of stored call 1 should be .* not 'x'"),
        ({**EPISODE, "calls": [{**CALL, "error": "x"}]}, "\"error\" of stored call 1 should be .* not 'x'"),
        ({**EPISODE, "calls": [{**CALL, "name": "nope"}]}, "the API, which has no operation 'nope'"),
        ({**EPISODE, "stopped": "x"}, "\"stopped\" of a stored episode should be true or false, not 'x'"),
        ({**EPISODE, "answer": None}, '"answer" of a stored episode should be a string, not None'),
        ({**EPISODE, "task": {**EPISODE["task"], "scenario": "nope"}}, "unknown scenario 'nope'"),
        ({**EPISODE, "task": {**EPISODE["task"], "seed": "x"}}, "should be an integer, not 'x'"),
        ({**EPISODE, "task": {**EPISODE["task"], "split": "test"}}, "unknown split 'test'"),
        ({"episode": EPISODE, "verdict": 1}, 'the "verdict" should be an object, not 1'),
        ({"episode": EPISODE, "verdict": {"reward": "x", "success": True}}, "should be a number from 0 to 1, not 'x'"),
        ({"episode": EPISODE, "verdict": {"reward": None, "success": True}}, "from 0 to 1, not None"),
        ({"episode": EPISODE, "verdict": {"reward": float("nan"), "success": True}}, "from 0 to 1, not nan"),
        ({"episode": EPISODE, "verdict": {"reward": 10**400, "success": True}}, "not a number that long"),
        ({"episode": EPISODE, "verdict": {"reward": 1, "success": 1}}, "should be true or false, not 1"),
        ({"episode": EPISODE, "verdict": {"success": True}}, 'a stored "verdict" needs "reward"'),
        ("[" * 100_000, "line 2"),
    ],
)
def test_read__names_the_line_that_is_no_episode(line, message, tmp_path):
    with pytest.raises(envs.EnvError, match=message):
        list(command.read(stored(tmp_path, [EPISODE, line])))


def paths(value, path=()):
    """Yield the paths of everything inside a record; the inside of a response body is left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*path, name)
        if name != "body":
            yield from paths(inner, (*path, name))


NOT_THERE = object()


@pytest.mark.parametrize("bad", [NOT_THERE, None, "x", -1, 1.5, float("nan"), 10**400, True, [], {}, [[]], "\ud800"])
def test_read__any_invalid_or_missing_field_scores_or_is_reported_in_one_line(bad, tmp_path, capsys):
    for scenario, seed in (("jira_transition_conflict", 1), ("jira_read_issue", 0)):
        episode = envs.Episode(envs.sample(scenario, seed, "train"))
        for text in scripted_policies.oracle(episode.task):
            episode.step(text)
        record = {"episode": episode.to_dict(), "verdict": {"reward": 1.0, "success": True}}
        for path in paths({name: record[name] for name in ("episode", "verdict")}):
            spoiled = json.loads(json.dumps(record))
            around = inside(spoiled, path[:-1])
            if bad is NOT_THERE:
                del around[path[-1]]
            else:
                around[path[-1]] = bad
            try:
                command.main([stored(tmp_path, ["", spoiled])])
            except envs.EnvError as error:
                assert "episodes.jsonl, line 2: " in str(error) and "\n" not in str(error)
            shown = capsys.readouterr().out.lower()
            assert "nan" not in shown and "inf" not in shown


def test_read__calls_that_do_not_say_their_turn_had_one_each(records, tmp_path):
    for record in records:
        for call in record["episode"]["calls"]:
            del call["turn"]
    assert not any(episode.differs for episode in command.read(stored(tmp_path, records)))


def test_rescore__refuses_other_rules_by_number_unless_asked_to_cross(records, tmp_path):
    for changed, number in (({"rules": RULES - 1}, RULES - 1), ({"rules": None}, 1)):
        episode = {name: value for name, value in {**records[0]["episode"], **changed}.items() if value is not None}
        with pytest.raises(envs.EnvError, match=f"jira_create_issue, seed 1, train was scored by version {number}"):
            envs.rescore(episode)
        assert envs.rescore(episode, across_rules=True) == envs.rescore(records[0]["episode"])
        path = stored(tmp_path, [episode])
        with pytest.raises(envs.EnvError, match="line 1: .*--across-rules"):
            command.main([path])
        assert command.main([path, "--across-rules"]) == 0


def test_rescore__refuses_a_task_that_is_drawn_differently_now(records):
    for crossing in (False, True):
        with pytest.raises(envs.EnvError, match="the task jira_create_issue, seed 1, train is another one now"):
            envs.rescore({**records[0]["episode"], "digest": "0" * 16}, crossing)


def test_read__refuses_a_file_without_episodes(tmp_path):
    with pytest.raises(envs.EnvError, match="cannot read .*none.jsonl: No such file"):
        list(command.read(str(tmp_path / "none.jsonl")))
    with pytest.raises(envs.EnvError, match="has no episode"):
        list(command.read(stored(tmp_path, ["", " "])))
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    with pytest.raises(envs.EnvError, match="not UTF-8"):
        list(command.read(str(tmp_path / "picture")))


def test_main__needs_a_file():
    with pytest.raises(envs.EnvError, match="required: FILE; see --help"):
        command.main([])
