"""Asks for another text of an existing page, and holds the call that writes it."""

import random

from envs.api.operation import Json
from envs.requests import page_texts
from envs.requests.grammar import Clause, Said, say
from envs.task import PlannedCall
from envs.words import Split

_TEXT = Clause(
    (
        '[|please ]replace the text of {page} [with|by] "{text}"',
        "[|please ][change|set] the text of {page} to this:\n{text}\n",
        '{page} [should|has to|must] say "{text}"',
        '[can|could] you update {page}? It should [say|read] "{text}"',
        '[|please ]write this on {page}, in place of the old text: "{text}"',
        "{page} is out of date, [the new text is|it should say]:\n{text}\n",
        '[|please ]update {page} so that it [reads|says] "{text}"',
        'the new text of {page} is "{text}"',
        "new text for {page}:\n{text}\n",
        '{page} needs a [new|different] text: "{text}"',
        '[can|could] you rewrite {page}? [The text is|New text:] "{text}"',
    ),
    (
        'would you mind putting "{text}" on {page} instead of the old text?',
        "this is all that should be left on {page}:\n{text}\n",
        'people should read on {page} that this is so: "{text}"',
        'let {page} say "{text}" from now on.',
        'I need {page} rewritten: "{text}"',
        'on {page} everything is old; write "{text}" there and nothing else.',
        '{page} tells people something wrong. The truth is "{text}"',
        "throw away the text of {page} and put this in its place:\n{text}\n",
    ),
)
_TEXT_OF_IT = Clause(
    (
        '[its|the] new text is "{text}"',
        'it should [say|read] "{text}"',
        "[please write this on it|please save this text]:\n{text}\n",
        'replace its text [with|by] "{text}"',
        'what I wanted to write: "{text}"',
    ),
    (
        'people should read there: "{text}"',
        "this is all that should be left on it:\n{text}\n",
        'my text was "{text}"',
        'let it say "{text}" from now on.',
    ),
)


def text_wanted(rng: random.Random, split: Split, page: Said, text: str) -> Said:
    """Ask for a page's new text."""
    return say(rng, split, _TEXT, page=page, text=text)


def text_of_it(rng: random.Random, split: Split, text: str) -> Said:
    """Ask for the new text of a page that a sentence before has spoken of."""
    return say(rng, split, _TEXT_OF_IT, text=text)


def rewritten(page: str, title: str, text: str, number: int, fails: bool = False) -> PlannedCall:
    """Return the call that writes a version of a page."""
    arguments: dict[str, Json] = {"id": page, "status": "current", "title": title}
    arguments |= {"body": page_texts.body(text), "version": {"number": number}}
    return PlannedCall("updatePage", arguments, f"{number - 1} + 1 = {number}", fails)
