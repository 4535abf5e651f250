"""Laws of difficulty: tasks are harder to fulfil, and the oracle still fulfils them."""

import random
from dataclasses import replace

import pytest

import envs
from envs import scripted_policies, words
from envs.api.distractors import crowd
from envs.api.world import World
from envs.scenarios.vocabulary.scenario import HARDEST

SCENARIOS = pytest.mark.parametrize("scenario", envs.SCENARIOS)
LEVELS = range(1, HARDEST + 1)


def titles(world: World, space: str) -> list[str]:
    return [page["title"] for page in world.find("pages", spaceId=space)]


@SCENARIOS
@pytest.mark.parametrize("difficulty", LEVELS)
def test_difficulty__the_oracle_still_earns_everything(scenario, difficulty):
    for seed in range(12):
        task = envs.sample(scenario, seed, ("train", "heldout", "synthetic")[seed % 3], difficulty)
        verdict = scripted_policies.demonstrate(task, scripted_policies.oracle(task)).verdict
        assert verdict.success
        assert verdict.reward == 1 or task.wordings


@SCENARIOS
def test_difficulty__each_level_offers_no_fewer_tools_and_the_last_all(scenario):
    counts = [len(envs.sample(scenario, 3, "train", level).tools) for level in LEVELS]
    # Only held-out tasks offer the held-out operations.
    table = envs.SCENARIOS[scenario].api.by_name().keys() - envs.SCENARIOS[scenario].held_out_operations.values()
    own = envs.SCENARIOS[scenario].tools
    # As people talk, the oracle may need more tools than the scenario's own.
    needed = {*own, *(call.name for call in envs.sample(scenario, 3, "train", 2).oracle)}
    assert counts[0] == len(own) and counts[1] == min(len(needed) + 2, len(table)) and counts[-1] == len(table)
    assert counts[2:] == sorted(counts[2:]) and counts[0] < counts[1] <= counts[-1]


@SCENARIOS
@pytest.mark.parametrize("difficulty", LEVELS[1:])
def test_difficulty__a_stored_episode_scores_the_same_again(scenario, difficulty):
    task = envs.sample(scenario, 5, "train", difficulty)
    episode = envs.Episode(task)
    for turn in scripted_policies.oracle(task):
        episode.step(turn)
    assert envs.rescore(episode.to_dict()) == episode.verdict()


@pytest.mark.parametrize("split", ["train", "heldout", "synthetic"])
def test_crowd__distractors_are_near_new_and_of_the_split(split):
    for seed in range(20):
        plain = replace(envs.SCENARIOS["confluence_move_page"], talk=None)
        easy, hard = (plain.sample(seed, split, level).world for level in (1, 4))
        assert len(hard.table("spaces")) == 4 * len(easy.table("spaces"))
        keys = [space["key"] for space in hard.find("spaces")]
        assert len(set(keys)) == len(keys)
        assert all(words.held_out(key) == (split == "heldout") for key in keys)
        for space in hard.table("spaces"):
            named = titles(hard, space)
            assert len(set(named)) == len(named)
        for page in hard.find("pages"):
            if page["parentId"] is not None:
                own = set(page["title"].lower().split())
                others = [set(t.lower().split()) for t in titles(hard, page["spaceId"]) if t != page["title"]]
                assert any(len(own ^ other) <= 2 for other in others)


def test_crowd__leaves_the_next_id_and_existing_records():
    """Crowding keeps the id of the next created record and every existing record."""
    for seed in range(30):
        for scenario in ("jira_transition_ticket", "confluence_page_from_facts"):
            world = envs.sample(scenario, seed, "train").world
            crowded = world.copy()
            crowd(crowded, envs.SCENARIOS[scenario].api.distractors, random.Random(seed), "train", 4)
            assert crowded.copy().new_id() == world.copy().new_id()
            for name, table in world.tables.items():
                assert table.items() <= crowded.tables[name].items()
            ids = [record for table in crowded.tables.values() for record in table]
            assert len(set(ids)) >= len([record for table in world.tables.values() for record in table])


def test_crowd__distractors_do_not_come_last():
    """Otherwise the right record would always be the first of a list."""
    firsts = set()
    for seed in range(40):
        task = envs.sample("confluence_create_page", seed, "train", 3)
        page = next(call for call in task.oracle if call.name == "createPage").arguments
        found = [p["id"] for p in task.world.find("pages", spaceId=page["spaceId"]) if p["parentId"] is not None]
        firsts.add(found.index(page["parentId"]))
    assert len(firsts) > 3


@SCENARIOS
@pytest.mark.parametrize("difficulty", [0, 6, -1])
def test_difficulty__an_unknown_level_raises(scenario, difficulty):
    with pytest.raises(envs.EnvError, match=f"no difficulty {difficulty}; there are 1 to 5"):
        envs.sample(scenario, 0, "train", difficulty)
