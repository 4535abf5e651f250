"""Laws of demonstrations."""

import numpy as np
import pytest

import envs
from envs import scripted_policies
from jaxrlvr.imitation import demonstrations
from jaxrlvr.imitation.demonstrations import TaskSeed


@pytest.mark.parametrize("scenario", list(envs.SCENARIOS))
def test_training_group__is_the_prompt_and_the_turns_with_their_answers(chat, scenario):
    task, turns = demonstrations.conversation(TaskSeed(scenario, "train", 3), {})
    group = demonstrations.training_group(chat, TaskSeed(scenario, "train", 3), {})
    (suffix,) = group.suffixes
    assert list(group.prefix) == chat.prompt(task.request, envs.tool_schemas(task))
    assert chat.tokenizer.decode(suffix.tokens) == "".join(
        text + "<|im_end|>" + (chat.seam(answers) if answers else "") for text, answers in turns
    )


def test_training_group__counts_only_what_a_model_would_write(chat):
    _, turns = demonstrations.conversation(TaskSeed("jira_transition_ticket", "train", 3), {})
    (suffix,) = demonstrations.training_group(chat, TaskSeed("jira_transition_ticket", "train", 3), {}).suffixes
    written = chat.tokenizer.decode(suffix.tokens[suffix.sampled])
    assert written == "".join(text + "<|im_end|>" for text, _ in turns)
    assert "<tool_response>" in chat.tokenizer.decode(suffix.tokens[~suffix.sampled])
    assert suffix.advantage == 1 and len(suffix.tokens) == len(suffix.logprobs)


def test_training_group__is_the_same_for_the_same_seed(chat):
    mistakes = {"drop_priority": 0.5, "drop_labels": 0.5}
    for seed in range(5):
        once, again = (
            demonstrations.training_group(chat, TaskSeed("jira_create_issue", "train", seed), mistakes)
            for _ in range(2)
        )
        np.testing.assert_array_equal(once.suffixes[0].tokens, again.suffixes[0].tokens)


def test_training_group__of_several_members_is_one_prompt_with_other_attempts_at_one_task(chat):
    mistakes = {"drop_priority": 0.5, "drop_labels": 0.5}
    shared = demonstrations.training_group(chat, TaskSeed("jira_create_issue", "train", 3), mistakes, members=6)
    alone = demonstrations.training_group(chat, TaskSeed("jira_create_issue", "train", 3), mistakes)
    assert shared.prefix == alone.prefix and len(shared.suffixes) == 6
    np.testing.assert_array_equal(shared.suffixes[0].tokens, alone.suffixes[0].tokens)
    assert 1 < len({tuple(suffix.tokens.tolist()) for suffix in shared.suffixes}) <= 4, "two mistakes, on or off"


def test_conversation__without_mistakes_is_the_oracles():
    task, turns = demonstrations.conversation(TaskSeed("confluence_create_page", "synthetic", 1), {})
    assert [text for text, _ in turns] == scripted_policies.oracle(task)


def test_conversation__has_each_mistake_as_often_as_asked():
    def lacks(chance):
        turns = [
            demonstrations.conversation(TaskSeed("jira_create_issue", "train", n), {"drop_priority": chance})
            for n in range(200)
        ]
        return sum("priority" not in made[0][0] for _, made in turns) / 200

    assert lacks(0.0) == 0 and lacks(1.0) == 1
    assert 0.35 < lacks(0.5) < 0.65


def test_conversation__ignores_the_mistakes_of_other_scenarios():
    task, turns = demonstrations.conversation(TaskSeed("jira_create_issue", "train", 1), {"first_transition": 1.0})
    assert [text for text, _ in turns] == scripted_policies.oracle(task)


def test_texts__hold_requests_turns_and_answers():
    task, turns = demonstrations.conversation(TaskSeed("jira_transition_ticket", "train", 2), {})
    texts = list(demonstrations.texts([("jira_transition_ticket", "train", 2)]))
    assert texts == [task.request, *(part for text, answers in turns for part in (text, *answers))]
