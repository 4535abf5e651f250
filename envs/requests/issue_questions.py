"""Questions for facts of an issue: how people name the facts, why they ask, how they want the answer, and its claim."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence

from envs.api.world import Record, World
from envs.claims.clauses import Claim
from envs.claims.facts import FieldValues
from envs.requests.grammar import Clause, Said, say
from envs.words import Split

FACTS = ("status", "priority", "type", "summary")
_NAMES: Mapping[str, Clause] = {
    "status": Clause(("status", "current status"), ("present status", "latest status")),
    "priority": Clause(("priority",), ("priority level", "priority")),
    "type": Clause(("type", "issue type"), ("ticket type", "issue type")),
    "summary": Clause(("summary", "title"), ("full title", "exact summary")),
}
REASON = Clause(
    (
        "I am [preparing|writing] the [weekly report|status report|release notes|minutes].",
        "we are [planning the next sprint|going through the backlog|cleaning up the board].",
        "a [customer|partner|colleague] is on the phone.",
        "I cannot open the board [right now|at the moment|on this laptop].",
        "the board [does not load|is very slow] for me.",
        "[quick|short|small] question.",
        "I have a question [before the stand-up|for the review|about our tickets].",
    ),
    (
        "the steering committee meets [this afternoon|at noon|soon].",
        "I am filling in a spreadsheet [for the auditors|by hand|for the board meeting].",
        "[a colleague|our team lead] is on leave and I take the tickets over.",
        "this is for the handover, [so it should be right|which starts tomorrow].",
        "I keep mixing up our tickets.",
        "[my manager|the support desk|our customer] [keeps asking|asked me twice].",
    ),
)
"""Why somebody asks."""
BRIEF = Clause(
    (
        "a [short|brief] answer [is enough|will do].",
        "[one sentence|a single line] [is enough|will do].",
        "[just that|only that], nothing else.",
        "please keep it short.",
        "nothing more than that, please.",
        "that is all I need.",
        "I do not need anything else[| right now| today].",
    ),
    (
        "[spare me the rest|leave out the rest].",
        "I will paste your answer into [a mail|a chat|my notes|a slide].",
        "[no need to explain|no explanation needed].",
        "the shorter, the better.",
        "please do not change anything[|, I only want to know].",
        "[write it|put it] so that I can [forward|copy] it.",
    ),
)
"""Wishes for a short answer."""


def fact_names(rng: random.Random, split: Split) -> dict[str, Said]:
    """Draw what a request calls the facts, without an article."""
    return {fact: say(rng, split, _NAMES[fact]) for fact in FACTS}


def facts_said(names: Mapping[str, Said], facts: Sequence[str], article: str) -> Said:
    """Name facts as a list, each with an article or "its"."""
    *before, last = [f"{article} {names[fact].text}" for fact in facts]
    text = f"{', '.join(before)} and {last}" if before else last
    return Said(text, tuple(wording for fact in facts for wording in names[fact].wordings))


def with_context(
    rng: random.Random, split: Split, sentences: Sequence[Said], reason: float = 0.5, brief: float = 0.5
) -> tuple[Said, ...]:
    """Put a reason before a question and a wish for a short answer after it, each with its own chance."""
    before = [say(rng, split, REASON)] if rng.random() < reason else []
    after = [say(rng, split, BRIEF)] if rng.random() < brief else []
    return (*before, *sentences, *after)


def facts_of(world: World, issue: Record) -> dict[str, str]:
    """Return an issue's FACTS."""
    return {
        "status": world.table("statuses")[issue["status"]]["name"],
        "priority": world.table("priorities")[issue["fields"]["priority"]]["name"],
        "type": world.table("issuetypes")[issue["issuetype"]]["name"],
        "summary": issue["fields"]["summary"],
    }


def claim_about(issue: Record, asked: Sequence[str], stated: Collection[str] = ()) -> Callable[[World], Claim]:
    """Return what an answer for these facts of an issue has to say; facts that the request states may be repeated."""

    def claim(world: World) -> Claim:
        facts = facts_of(world, issue)
        return FieldValues(
            issue["key"],
            {fact: facts[fact] for fact in asked},
            {fact: _possible(world, fact) for fact in asked},
            {fact: value for fact, value in facts.items() if fact not in {*asked, *stated}},
        )

    return claim


def _possible(world: World, fact: str) -> frozenset[str]:
    """Return the values that a fact has anywhere on a site."""
    if fact == "summary":
        return frozenset(issue["fields"]["summary"] for issue in world.find("issues"))
    tables = {"status": "statuses", "priority": "priorities", "type": "issuetypes"}
    return frozenset(record["name"] for record in world.find(tables[fact]))
