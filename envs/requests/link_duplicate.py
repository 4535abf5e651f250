"""Asks for a link from a duplicate to the issue that it duplicates; both are named by key or described.

A second wish assigns the original or links another duplicate in training tasks, and mostly moves the duplicate in
held-out tasks.
"""

import random
from dataclasses import replace

from envs.api.world import Record
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.issue_ids import issue_with_id
from envs.requests.jira_office import JiraOffice, jira_office, steps_from
from envs.requests.jira_references import person_of
from envs.requests.messages import CORRECTION
from envs.requests.subjects import in_speech
from envs.requests.values import of_split
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.45, 5: 0.5}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.65}
_REASONED = 0.4
_LINK = Clause(
    (
        "{copy} [is a duplicate of|duplicates|repeats] {first}[, please link them.|. Please link the two.|, so link "
        "them.|. A link should say so.]",
        "[|please ]mark {copy} as a duplicate of {first}.",
        "[can|could] you [mark|link|record] {copy} as a duplicate of {first}?",
        "{first} [is duplicated by|was reported again as|has a duplicate, which is] {copy}[. Please link them.|. "
        "Please note it as a link.|. A link should say so.]",
        "[|please ]add a link that says that {copy} duplicates {first}.",
        "{first} was there first, and {copy} [only repeats it|is just a duplicate of it]. [Please link them.|Link the "
        "two.]",
        "we need a duplicate link: {copy} duplicates {first}.",
        "[|please ]link {copy} as a duplicate of {first}.",
    ),
    (
        "somebody [filed|opened] {copy} although {first} was there already, [please|so] link it as a duplicate.",
        "let {first} show that {copy} duplicates it.",
        "we have the same thing twice: {copy} is the duplicate, {first} is the original. [Link them.|Please connect "
        "them.]",
        "{copy} says nothing new compared to {first}, [so link it as|please record it as] a duplicate of that one.",
        "would you mind linking {copy} as a duplicate of {first}?",
        "{first} is the original and {copy} the duplicate, [a link should say that|please add the link].",
        "anybody who opens {copy} should see that it duplicates {first}, [please add the link|so link them].",
        "it turned out that {copy} is the same as {first}, which is older, so link it as the duplicate.",
    ),
)
_REVERSED = Clause(
    (
        "[sorry|oops|wait|no], it is the other way round.",
        "[sorry|oops|wait|no], I mean the other way round.",
        "no, the other one is the duplicate.",
    ),
    (
        "hm, [turn that around|I mixed up the two]: the other one is the duplicate.",
        "on second thought, reverse that: the other one is the original.",
        "I got it backwards, so please link them in the opposite direction.",
    ),
)
_REASON = Clause(
    (
        "[two people|two teams|two customers] reported [it|the same thing] [independently|on different days].",
        "I noticed it in the [triage|stand-up|backlog review].",
        "both [describe|are about] the same [problem|thing|work].",
        "we should not work on it twice.",
        "I am [tidying up|cleaning up] the backlog.",
        "nobody searched before opening [a new one|another one].",
    ),
    (
        "[I compared|we compared] the two [line by line|this morning], they say the same.",
        "the steps to get there are [identical|the same] in both.",
        "[the author|the reporter] agrees with that.",
        "otherwise [both will be planned|somebody will fix it twice].",
        "this should keep the [discussion|comments] in one place.",
        "do not close anything yet.",
    ),
)
_ALSO_LINK = Clause(
    (
        "[|and ]{copy} is another duplicate of [the same one|the original], link that as well.",
        "the original has a further duplicate, {copy}, [please link that, too|so link it, too].",
        "also mark {copy} as a duplicate of the original.",
    ),
    (
        "{copy} repeats the original, too, so it gets the same link.",
        "the same goes for {copy}, which duplicates the original as well.",
    ),
)
_ALSO_ASSIGN = Clause(
    (
        "[|and ]assign the original to {person}.",
        "{person} [will work on|takes care of] the original, so make that the assignee.",
        "the original [goes|should go] to {person}[.|, please assign it.]",
    ),
    (
        "hand the original over to {person}.",
        "put {person} down as the assignee of the original.",
    ),
)
_ALSO_MOVE = Clause(
    (
        "[|and ]move the duplicate to {status}.",
        "then [put|set] the duplicate into {status}.",
        "the duplicate [belongs|should be] in {status} from now on.",
        "after that the duplicate can go to {status}.",
        "the status of the duplicate should be {status}, by the way.",
        "nobody works on the duplicate any more, so take it to {status}.",
    ),
)
_REPEATS = (
    "Trouble with {topic}",
    "Problem with {topic} on my machine",
    "Something is wrong with {topic}",
    "Please look at {topic} again",
    "Another report about {topic}",
    "Help needed with {topic}",
    "Customer asks about {topic}",
    "Still waiting for news about {topic}",
    "Follow up on {topic}",
    "Open question about {topic}",
    "Notes from the call about {topic}",
)
_DETAILS = (
    *("", " in the Berlin office", " for one customer", " on the test system", " this week", " after the release"),
    *(" for the second time", " on several machines", " from the support desk", " in the new version"),
)
"""Beginnings and ends of summaries of duplicates."""


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office, copy, first, further = _duplicates(rng, split, jira_office(rng, split))
    two = rng.random() < _TWO_WISHES[difficulty]
    wrong = rng.choice([issue["key"] for issue in office.issues() if issue["id"] not in (copy["id"], first["id"])])
    said_copy, said_first = (issue_with_id(rng, split, office, each, difficulty, not two) for each in (copy, first))
    sentences = _sentences(rng, split, difficulty, said_copy.said, said_first.said, wrong)
    if rng.random() < _REASONED:
        sentences.append(say(rng, split, _REASON))
    parts = (said_copy, said_first)
    calls = (*said_copy.reads, *said_first.reads, _link(copy, first))
    wishes = [Wish(tuple(sentences), parts, calls)]
    if two:
        wishes.append(_second(rng, split, office, difficulty, copy, first, further))
    return drafted(rng, split, difficulty, office.world, wishes)


def _duplicates(rng: random.Random, split: Split, office: JiraOffice) -> tuple[JiraOffice, Record, Record, Record]:
    """Make two issues duplicates of a third, older one; return the duplicate, the original and the other duplicate."""
    with_topic = [issue for issue in office.issues() if office.topics[issue["id"]]]
    by_age = sorted(with_topic, key=lambda issue: int(issue["created"]))
    first = rng.choice(by_age[: len(by_age) // 2])
    later = [issue for issue in office.issues() if issue["created"] > first["created"]]
    issues, topics, topic = office.world.table("issues"), dict(office.topics), office.topics[first["id"]]
    spoken = in_speech(topic)
    copies: list[Record] = []
    for issue in rng.sample(later, 2):
        taken = [copy["fields"]["summary"] for copy in copies]
        summary = of_split(rng, split, lambda r: (r.choice(_REPEATS) + r.choice(_DETAILS)).format(topic=spoken), taken)
        fields = {**issue["fields"], "summary": summary}
        issues[issue["id"]] = {**issue, "issuetype": first["issuetype"], "fields": fields}
        topics[issue["id"]] = topic
        copies.append(issues[issue["id"]])
    return replace(office, topics=topics), copies[0], first, copies[1]


def _sentences(rng: random.Random, split: Split, difficulty: int, copy: Said, first: Said, wrong: str) -> list[Said]:
    """Ask for the link, perhaps in the wrong direction or with a wrong issue, which another sentence takes back."""
    if rng.random() >= _CORRECTED[difficulty]:
        return [say(rng, split, _LINK, copy=copy, first=first)]
    if rng.random() < 0.4:
        return [say(rng, split, _LINK, copy=first, first=copy), say(rng, split, _REVERSED)]
    mistaken = value(wrong)
    if rng.random() < 0.5:
        said = say(rng, split, _LINK, copy=mistaken, first=first)
        return [said, say(rng, split, CORRECTION, wrong=mistaken, right=copy)]
    said = say(rng, split, _LINK, copy=copy, first=mistaken)
    return [said, say(rng, split, CORRECTION, wrong=mistaken, right=first)]


def _second(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    difficulty: int,
    copy: Record,
    first: Record,
    further: Record,
) -> Wish:
    """Ask for a move of the duplicate, an assignee of the original or a link of another duplicate."""
    if split == "heldout" and rng.random() < 0.7:
        steps = steps_from(office.world, copy)
        status = rng.choice(list(steps))
        listing = PlannedCall("getTransitions", {"issueIdOrKey": copy["id"]})
        step = {"issueIdOrKey": copy["id"], "transition": {"id": steps[status]}}
        move = PlannedCall("doTransition", step, f'"{status}": {steps[status]}')
        return Wish((say(rng, split, _ALSO_MOVE, status=status),), (), (listing, move))
    if rng.random() < 0.5:
        others = [user for user in office.people if user["accountId"] != first["fields"]["assignee"]]
        person: Described = person_of(rng, split, office, rng.choice(others), difficulty)
        account = person.references[-1].record
        assign = PlannedCall("assignIssue", {"issueIdOrKey": first["id"], "accountId": account})
        return Wish((say(rng, split, _ALSO_ASSIGN, person=person.said),), (person,), (*person.reads, assign))
    described = issue_with_id(rng, split, office, further, difficulty, first_names=False)
    said = say(rng, split, _ALSO_LINK, copy=described.said)
    return Wish((said,), (described,), (*described.reads, _link(further, first)))


def _link(copy: Record, first: Record) -> PlannedCall:
    """Return the call that says that one issue duplicates another."""
    ends = {"inwardIssue": {"id": copy["id"]}, "outwardIssue": {"id": first["id"]}}
    return PlannedCall("linkIssues", {"type": {"name": "Duplicate"}, **ends})
