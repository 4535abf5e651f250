"""Lists issues by key and asks about the list, which needs no call, or for a fact of one of them, which needs a read.

Half of the questions need no call. Only held-out tasks count the keys of one project, ask for a fact of the issue with
the highest or lowest number, or ask for the second to
last.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from envs.api.world import Record, World
from envs.claims.clauses import Claim
from envs.claims.listed import Choice, Count
from envs.requests.drafts import Described, Wish, drafted
from envs.requests.grammar import CLOSE, OPEN, Clause, Said, listed, say
from envs.requests.issue_questions import claim_about, fact_names, facts_of, with_context
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.messages import CORRECTION
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_READ = 0.5
"""The chance that the question is for a fact that no request states."""
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.65}
_PLACES = ("first", "second", "third")
_FROM_THE_END = {"last": -1, "second to last": -2}
_LIST = Clause(
    (
        "[these are|here are] [the tickets|my tickets|the open tickets|the issues][| so far| for today| of this week]: "
        "{keys}.",
        "my list for [today|this week|the review] is {keys}.",
        "{keys} [came up|were mentioned|were discussed] [in the stand-up|in the call|this morning|in the review].",
        "I noted {keys} [in the meeting|during the call|on paper].",
        "[the release|the hotfix|the test plan] [contains|covers] {keys}.",
        "we have {keys} [on the list|on the wall|on the agenda].",
        "[here is my list|these are on my list]:\n{lines}\n",
        "the mail [mentions|is about] {keys}.",
        "[somebody|a colleague] sent me [these keys|this list]: {keys}.",
    ),
    (
        "my notes say {keys}[.|, in this order.]",
        "on the whiteboard I see {keys}.",
        "[the customer|the support desk|the auditor] complained about {keys}.",
        "for the [demo|fair|pilot] we picked {keys}.",
        "[on my desk|in my inbox] there are:\n{lines}\n",
        "I copied this from [a spreadsheet|the minutes|a chat]:\n{lines}\n",
        "{keys} are what is left [for this sprint|before the release].",
        "it is about {keys} again.",
    ),
)
_QUESTIONS: Mapping[str, Clause] = {
    "project": Clause(
        (
            "which of them [belongs to|is in|is part of|is from] {project}?",
            "which one is [an issue|a ticket] of {project}?",
            "[|please ][tell me|say] which of them is in {project}.",
            "I [need|am looking for] the one [in|from|of] {project}.",
            "[can|could] you tell me which one [belongs to|is from] {project}?",
            "which [key|ticket] is the one [of|from] {project}?",
        ),
        (
            "one of them is for {project}, which [one|one is it]?",
            "only one of them [is filed under|comes from] {project}. [Its key, please.|Which one?|I need its key.]",
            "[pick|point out] the one that {project} [owns|has to deal with].",
            "I have to forward the one of {project}, so which [is it|key is that]?",
            "the people of {project} want theirs [back|at once]. Which [one|of them] is it?",
        ),
    ),
    "count": Clause(
        (
            "how many [tickets|issues|keys] is that?",
            "how many are [they|there|these]?",
            "[|please ]count them[.| for me.]",
            "[can|could] you count them[?| for me?]",
            "I need the number of [tickets|issues|keys] [in this list|here|in it].",
            "tell me how many [that is|they are].",
            "how many [tickets|issues] do I have there?",
        ),
        (
            "what is the total [number|count]?",
            "how long is that list?",
            "how many [tickets|issues] does that make [in total|altogether]?",
            "[say|write] with a figure how many [that makes|these are].",
            "I lost count, [how many is that|so please count again].",
            "[they want|the form asks for] a number here. How many [is it|are they]?",
        ),
    ),
    "extreme": Clause(
        (
            "which [one|key|of them] has the {extreme} number?",
            "[|please ][tell me|say] which one has the {extreme} number.",
            "I need the [one|key] with the {extreme} number.",
            "[can|could] you tell me which of them has the {extreme} number[?| in its key?]",
            "what is the key [with|that has] the {extreme} number?",
        ),
        (
            "which key ends in the {extreme} number?",
            "leave the letters aside. Which [key|one] has the {extreme} number?",
            "going by the numbers alone, which one is the {extreme}?",
            "compare the numbers and give me the key with the {extreme} one.",
            "the {extreme} number [counts|decides]. Which key [has it|is that]?",
        ),
    ),
    "place": Clause(
        (
            "which [one|key|ticket] comes {place}?",
            "[|please ]tell me the {place} one.",
            "which is the {place} [one|ticket|key] [in the list|of these]?",
            "I need the {place} [one|key] of these.",
            "[can|could] you tell me the {place} key?",
            "what is the {place} key [in this list|here]?",
        ),
        (
            "in the order [I gave them|above|of the list], which [one|key] comes {place}?",
            "read them one by one, which [one|key] is the {place}?",
            "the {place} of them is what I am after. [Its key, please.|What is its key?]",
            "[pick|copy] the {place} key for me.",
            "I only [want|wanted] the {place} one of these. Which is it?",
        ),
    ),
    "project_count": Clause(
        (
            "how many of them are in {project}?",
            "how many of these [tickets|issues] [belong to|come from] {project}?",
            "[|please ]count those of {project}[.| for me.]",
            "I need the number of those [in|from] {project}.",
            "[only {project} matters here|let us look at {project} alone]. How many of them are there?",
            "{project} has some of these, [but how many|how many exactly]?",
        ),
    ),
    "read": Clause(
        (
            "what is the {fact} of {target}?",
            "[|please ][tell me|look up|check|find out] the {fact} of {target}.",
            "[can|could] you [tell me|look up|check] the {fact} of {target}?",
            "I need the {fact} of {target}[.|, please.]",
            "do you know the {fact} of {target}?",
            "[have a look|please have a look] at {target} and tell me its {fact}.",
            "{target} interests me. What is its {fact}?",
        ),
        (
            "would you mind checking the {fact} of {target}?",
            "as for {target}, what is its {fact}?",
            "{target} is the one that matters; [what is its {fact}?|please find out its {fact}.]",
            "we disagree about the {fact} of {target}. What does [Jira|the board] say?",
            "[open|read] {target} for me. [What is its {fact}?|Its {fact}, please.]",
            "I have to fill in the {fact} of {target}. What is it?",
        ),
    ),
}
_TARGETS: Mapping[str, Clause] = {
    "place": Clause(
        ("the {place} one", "the {place} ticket", "the {place} of these"),
        ("the {place} of them", "the {place} entry in the list"),
    ),
    "project": Clause(
        ("the one [from|in|of] {project}", "the ticket [from|in|of] {project}"),
        ("the one that belongs to {project}", "the only one of {project}"),
    ),
    "extreme": Clause(("the one with the {extreme} number", "the ticket with the {extreme} number")),
}


@dataclass(frozen=True)
class _Listed:
    """The issues of a list, and what a question about it may ask for."""

    issues: tuple[Record, ...]
    project: Record
    """A project that has one issue in the list."""
    extreme: str
    place: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The issues' keys, in order."""
        return tuple(issue["key"] for issue in self.issues)

    def meant(self, by: str) -> Record:
        """Return the issue that is meant by its project, by the extreme of the numbers or by its place."""
        if by == "project":
            return next(issue for issue in self.issues if issue["project"] == self.project["id"])
        if by == "extreme":
            return (max if self.extreme == "highest" else min)(self.issues, key=_number)
        index = _FROM_THE_END.get(self.place)
        return self.issues[_PLACES.index(self.place) if index is None else index]


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw a list and a question about it."""
    office, held_out = jira_office(rng, split), split == "heldout"
    drawn = _listed(rng, office, held_out)
    without_calls = ["project", "count", "extreme", "place", *["project_count"] * 3 * held_out]
    question = "read" if rng.random() < _READ else rng.choice(without_calls)
    by = rng.choice(["place", "project", *["extreme"] * 2 * held_out]) if question == "read" else question
    counted = office.world.table("projects")[rng.choice(drawn.issues)["project"]]
    named = counted if question == "project_count" else drawn.project
    names = fact_names(rng, split)
    fact = rng.choice(list(names))
    slots: dict[str, str | Said] = {"place": Said(drawn.place), "extreme": Said(drawn.extreme)}
    slots |= {"project": named["key"], "fact": names[fact]}
    if question == "read":
        slots["target"] = say(rng, split, _TARGETS[by], **slots)
    asked = say(rng, split, _QUESTIONS[question], **slots)
    sentences, wrong = _sentences(rng, split, difficulty, office, drawn, asked)
    read = (PlannedCall("getIssue", {"issueIdOrKey": drawn.meant(by)["key"]}),) if question == "read" else ()
    references = [Reference(issue["key"], "issues", issue["id"], {"key": issue["key"]}) for issue in drawn.issues]
    if "project" in by:
        references.append(Reference(named["key"], "projects", named["id"], {"key": named["key"]}))
    wish = Wish(with_context(rng, split, sentences), (Described(asked, tuple(references)),), read)
    draft = drafted(rng, split, difficulty, office.world, [wish])
    answer, claim = _answer(office.world, drawn, question, by, fact, named, (*drawn.keys, *wrong))
    return replace(draft, goal={"listed": list(drawn.keys)}, answer=f'It is "{answer}".', claim=claim)


def _listed(rng: random.Random, office: JiraOffice, held_out: bool) -> _Listed:
    """Draw a list in which the highest and the lowest number occur once."""
    project = rng.choice(office.projects)
    here = [issue for issue in office.issues() if issue["project"] == project["id"]]
    elsewhere = [issue for issue in office.issues() if issue["project"] != project["id"]]
    while True:
        issues = [rng.choice(here), *rng.sample(elsewhere, rng.randint(2, 5))]
        numbers = sorted(map(_number, issues))
        if numbers[0] < numbers[1] and numbers[-2] < numbers[-1]:
            break
    rng.shuffle(issues)
    places = [*_PLACES, *_FROM_THE_END] if held_out else [*_PLACES, "last"]
    return _Listed(tuple(issues), project, rng.choice(("highest", "lowest")), rng.choice(places))


def _sentences(
    rng: random.Random, split: Split, difficulty: int, office: JiraOffice, drawn: _Listed, asked: Said
) -> tuple[list[Said], tuple[str, ...]]:
    """Return the list and the question, and a wrong key in the list that another sentence takes back, if there is one.

    The sentence that takes it back comes before or after the question.
    """
    keys, wrong = list(drawn.keys), ""
    if rng.random() < _CORRECTED[difficulty]:
        place = rng.randrange(len(keys))
        wrong = rng.choice([issue["key"] for issue in office.issues() if issue["key"] not in keys])
        taken_back = say(rng, split, CORRECTION, wrong=wrong, right=keys[place])
        keys[place] = wrong
    lines = Said("\n".join(f"{OPEN}- {key}{CLOSE}" for key in keys))
    sentences = [say(rng, split, _LIST, keys=listed(keys), lines=lines), asked]
    if wrong:
        sentences.insert(rng.choice([1, 2]), taken_back)
    return sentences, (wrong,) if wrong else ()


def _answer(
    world: World, drawn: _Listed, question: str, by: str, fact: str, named: Record, spoken: tuple[str, ...]
) -> tuple[str, Claim | Callable[[World], Claim]]:
    """Return the answer and what it claims; `spoken` holds all keys that the request contains."""
    if question == "read":
        issue = drawn.meant(by)
        return facts_of(world, issue)[fact], claim_about(issue, (fact,))
    if question in ("count", "project_count"):
        counted = [issue for issue in drawn.issues if question == "count" or issue["project"] == named["id"]]
        return str(len(counted)), Count(len(counted), spoken)
    key = str(drawn.meant(by)["key"])
    return key, Choice(key, spoken)


def _number(issue: Record) -> int:
    return int(issue["key"].rpartition("-")[2])
