"""Law of thoughts: no text inside a thought changes a verdict, and a call with the tag in an argument is still made.

The oracle, some mutants of it, and false answers are played as they are and with a thought before every turn. A thought
is `<think>TEXT</think>`, or `TEXT</think>` where the prompt has opened it.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from envs.audit.false_answers import false_answers
from envs.audit.mutants import mutants
from envs.audit.play import Play
from envs.audit.trial import SHOWN, Finding, tasks, where
from envs.parsing.calls import CLOSE, OPEN, ParsedCall, parse_calls
from envs.parsing.thoughts import END_OF_THOUGHT, THOUGHT
from envs.reward.verdict import Verdict
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import oracle, sample_call, turn
from envs.task import Task

LONG = 5_000
"""Characters of the longest thought."""
_STEP = 25
"""One mutant or false answer in this many is played, of each task."""


def thoughts(task: Task) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of thoughts."""
    call = turn(sample_call(task, task.tools[0]))
    written = [turn(planned) for planned in task.oracle]
    wrong = next(iter(false_answers(task)))[1] if task.claim else f"There is no {task.request}"
    yield "nothing", ""
    yield "the right answer", task.answer
    yield "a wrong answer", wrong
    yield "a denial", "I could not do it. Nothing was changed."
    yield "a call", call
    yield "all calls of the oracle", "\n".join(written)
    yield "a call with the tag in an argument", _tagged(task.tools[0])
    yield "a broken call", call.replace("}\n</tool_call>", "\n</tool_call>")
    yield "a broken call in XML", f"{OPEN}\n<function={task.tools[0]}>\n<parameter=id>\n{CLOSE}"
    yield "a call in XML that is not closed", f"{OPEN}\n<function={task.tools[0]}>\n<parameter=id>\n1"
    yield "a call that is not closed", f"I could write {OPEN} now"
    yield "a call whose JSON is cut off", f'{OPEN}\n{{"name": "{task.tools[0]}", "arguments": {{"id": "'
    yield "the end of a call", CLOSE
    yield "the end and the start of a call", f"{CLOSE}{OPEN}"
    yield "JSON", json.dumps({"name": task.tools[0], "arguments": {}})
    yield "a thought in the thought", f"{THOUGHT}one{END_OF_THOUGHT} and {THOUGHT}two"
    yield "ends of thoughts", END_OF_THOUGHT * 3
    yield "a thought in a call that is not closed", f"{OPEN}{THOUGHT}{OPEN}"
    yield "any script", "été 漢字 🙂 \u200b\u202e\x00 İ ß"
    yield "a long thought", (f"{task.request} " * LONG)[:LONG]


def _tagged(tool: str) -> str:
    body = json.dumps({"name": tool, "arguments": {"text": f"a {END_OF_THOUGHT} b"}})
    return f"{OPEN}\n{body}\n{CLOSE}"


def _episodes(task: Task) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield (name, turns) to be played with and without thoughts."""
    turns = oracle(task)
    yield "oracle", turns
    for mutant in islice(mutants(task), _STEP // 2, None, _STEP):
        yield f"{mutant.kind}: {mutant.where}", mutant.turns
    for kind, text in islice(false_answers(task) if task.claim else (), 0, None, _STEP):
        yield f"false answer, {kind}", [*turns[:-1], text]


def _judged(verdict: Verdict) -> tuple[object, ...]:
    return verdict.reward, verdict.success, verdict.checks, verdict.penalties


def no_thought_counts(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play episodes of the tasks of `seeds` seeds with and without thoughts; yield one finding."""
    failures: dict[str, str] = {}
    tried = 0
    for task in tasks(scenario, seeds):
        for name, turns in _episodes(task):
            plain = _judged(play(task, turns).verdict)
            for thought, text in thoughts(task):
                for begun in (THOUGHT, ""):
                    tried += 1
                    verdict = play(task, [f"{begun}{text}{END_OF_THOUGHT}\n\n{each}" for each in turns]).verdict
                    if _judged(verdict) != plain:
                        gain = f"earns {verdict.reward:.3f} instead of {plain[0]:.3f}"
                        failure = f"{name[:120]} with {thought} in its thoughts {gain} ({where(task)})"
                        failures.setdefault(thought, failure)
        calls = parse_calls(_tagged(task.tools[0]))
        if not (len(calls) == 1 and isinstance(calls[0], ParsedCall)):
            failures.setdefault("tag", f"a call with {END_OF_THOUGHT} in an argument is not made ({where(task)})")
    shown = tuple(failures.values())
    yield Finding("thoughts", f"{tried}" if not shown else f"{len(shown)} count", shown[: 3 * SHOWN], tried)
