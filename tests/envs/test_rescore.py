"""Stored episodes score the same again, and a file that has none is refused in one sentence that names the line."""

import json

import pytest

import envs
from envs import policies
from envs import stored as command


@pytest.fixture
def records() -> list[dict]:
    made = []
    for scenario in envs.SCENARIOS:
        task = envs.sample(scenario, 1, "train")
        for turns in (policies.oracle(task), policies.idle(task), policies.duplicate(task)):
            episode = envs.Episode(task)
            for turn in turns:
                episode.step(turn)
            made.append({"step": 3, "episode": episode.to_dict(), "verdict": episode.verdict().to_dict()})
    return made


def stored(tmp_path, lines) -> str:
    path = tmp_path / "episodes.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(path)


def test_read__what_runs_store_scores_the_same(records, tmp_path):
    found = list(command.read(stored(tmp_path, records)))
    assert [episode.now.to_dict() for episode in found] == [
        envs.rescore(record["episode"]).to_dict() for record in records
    ]
    assert not any(episode.differs for episode in found)
    bare = list(command.read(stored(tmp_path, [record["episode"] for record in records])))
    assert [episode.now for episode in bare] == [episode.now for episode in found]
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
    """Text with other line ends inside a string is one line."""
    records[0]["text"] = "a\u2028b\x0bc"
    path = tmp_path / "episodes.jsonl"
    path.write_text(json.dumps(records[0], ensure_ascii=False))
    assert len(list(command.read(str(path)))) == 1


EPISODE = {"task": {"scenario": "jira_create_issue", "seed": 0, "split": "train"}, "calls": [], "stopped": True}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: an episode is a JSON object, not list"),
        ({}, 'needs "task", "calls" and "stopped"'),
        ({"episode": 3}, 'needs "task"'),
        ({**EPISODE, "task": 3}, '"task" is an object'),
        ({**EPISODE, "calls": [1]}, "list of objects"),
        ({**EPISODE, "calls": [{"colour": 1}]}, "not a stored"),
        ({**EPISODE, "task": {**EPISODE["task"], "scenario": "nope"}}, "unknown scenario 'nope'"),
        ({**EPISODE, "task": {**EPISODE["task"], "seed": "x"}}, "a seed"),
        ({**EPISODE, "task": {**EPISODE["task"], "split": "test"}}, "unknown split 'test'"),
        ({"episode": EPISODE, "verdict": 1}, '"verdict" is no object'),
        ("[" * 100_000, "line 2"),
    ],
)
def test_read__names_the_line_that_is_no_episode(line, told, tmp_path):
    with pytest.raises(envs.EnvError, match=told):
        list(command.read(stored(tmp_path, [EPISODE, line])))


def test_read__refuses_a_file_without_episodes(tmp_path):
    with pytest.raises(envs.EnvError, match="cannot read .*none.jsonl: No such file"):
        list(command.read(str(tmp_path / "none.jsonl")))
    with pytest.raises(envs.EnvError, match="has no episode"):
        list(command.read(stored(tmp_path, ["", " "])))
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    with pytest.raises(envs.EnvError, match="not UTF-8"):
        list(command.read(str(tmp_path / "picture")))


def test_main__needs_a_file():
    with pytest.raises(envs.EnvError, match="episodes.jsonl"):
        command.main([])
