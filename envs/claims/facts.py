"""Claims about an issue's fields: an answer gives each asked field its value, and says nothing else of the issue."""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from envs.claims.additions import reports
from envs.claims.clauses import Claim, Phrase, Token, flawed, masked, read, values_as_phrases
from envs.claims.layouts import in_plain_layout
from envs.claims.neighbours import strays
from envs.claims.pairing import Pair, Symbol, readings
from envs.claims.quotations import quotations
from envs.claims.statements import plain, states_the_unknown
from envs.claims.word_classes import SEPARATORS, word_set

FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
    "type": ("issue type", "ticket type", "issuetype", "type", "kind"),
    "summary": ("summary", "title", "name"),
    "status": ("status",),
    "priority": ("priority",),
    "assignee": ("assignee", "owner"),
}
"""Names under which an answer may speak of a field."""
_TYPE = "type"
_SUMMARY = "summary"
_OTHERWISE = re.compile(r"\b[A-Z][A-Z0-9]+-\d+-\w|≠|<>|!=|\s[<>]\s")
"""A key with a further part, which is another name, or a sign of difference."""
_READING = word_set("opened set finished completed started sent logged")
"""Verbs of acts that may say how a record was read, or how it is."""
_OPERATION = re.compile(r"[a-z]+[A-Z]\w+(?:\(.*\))?|(?:GET|POST) /.*")
"""An operation or endpoint, as an answer may name the one that it called."""


@dataclass(frozen=True)
class FieldValues(Claim):
    """The values of the asked fields of one record."""

    record: str
    """The record's key."""
    values: Mapping[str, str]
    """Asked field -> its value, in the order of the request."""
    possible: Mapping[str, Collection[str]]
    """Asked field -> all values that the site has for it."""
    other_facts: Mapping[str, str]
    """Unasked field -> its value; stating one is a claim too many."""

    def score(self, text: str) -> float:
        """Return the part of the asked values that the text states, or 0 if it states anything else or unclearly.

        A JSON object of the asked fields alone states them too.
        """
        if text.strip().startswith("{"):
            return float(_json_object(text) == {name: value.casefold() for name, value in self.values.items()})
        names = {name for field in self.values for name in FIELD_NAMES.get(field, (field,))}
        text = in_plain_layout(text, names, tuple(self.values.values()))
        tokens = read(text, self._phrases)
        if tokens is None:
            return 0.0
        tokens = [
            token
            for index, token in enumerate(tokens)
            if not self._is_noun(tokens, index) and not self._is_heading(tokens, index)
        ]
        if flawed(tokens) or states_the_unknown(tokens) or strays(tokens) or self._reports(text):
            return 0.0
        if _OTHERWISE.search(text) or not all(map(self._known, quotations(text))):
            return 0.0
        pairs: list[Pair] = []
        for sentence in _symbols(tokens):
            found = readings(sentence)
            if found is None or not all(self._true(reading) for reading in found):
                return 0.0
            pairs += found[0]
        named = {field for field, _ in pairs if field}
        alone = self._fields_of([value for field, value in pairs if not field], named)
        if alone is None or named | alone != set(self.values) and not plain(tokens):
            return 0.0
        return len(named | alone) / len(self.values)

    def _known(self, quotation: str) -> bool:
        """Return whether a quoted text is a known name, such as a value or an operation, or a statement."""
        tokens = masked(quotation, self._phrases)
        return _OPERATION.fullmatch(quotation) is not None or plain(tokens)

    def _reports(self, text: str) -> bool:
        """Return whether a text reports an act beside the facts."""
        names = (self.record, *self.values.values(), *self.other_facts.values())
        return reports(text, names, _READING)

    @cached_property
    def _phrases(self) -> dict[str, Phrase]:
        """Return what to mask: values first, then field names, then the record's key."""
        every = [*self.values.values(), *self.other_facts.values()]
        every += [value for values in self.possible.values() for value in values]
        names: dict[str, Phrase] = {}
        for field in (*self.values, *self.other_facts):
            asked = field in self.values
            for name in FIELD_NAMES.get(field, (field,)) if asked else (field,):
                names.setdefault(name, ("field", field))
        kept = {value.lower() for value in every}
        names = {name: phrase for name, phrase in names.items() if name not in kept or name in FIELD_NAMES}
        return values_as_phrases(every) | names | {self.record: ("word", "record"), "e.g.": ("word", "example")}

    def _is_noun(self, tokens: Sequence[Token], index: int) -> bool:
        """Return whether a token is a type as a plain noun, as in `the bug "AB-1"` or `this task's priority`."""
        token = tokens[index]
        types = [*self.possible.get(_TYPE, ()), self.values.get(_TYPE, ""), self.other_facts.get(_TYPE, "")]
        if token.kind != "value" or token.text not in {kind.lower() for kind in types}:
            return False
        if index + 1 < len(tokens) and tokens[index + 1].text == "record":
            return True
        before = tokens[index - 1].text if index else ""
        return token.raw.islower() and (_TYPE not in self.values or before in ("the", "this", "that"))

    def _is_heading(self, tokens: Sequence[Token], index: int) -> bool:
        """Return whether "summary" is no field: `In summary, ...`, `Summary:` above a list, `a summary of AB-1`."""
        if tokens[index].text != _SUMMARY or tokens[index].kind != "field" or _SUMMARY in self.values:
            return False
        before = tokens[index - 1].text if index else ""
        after = [token for token in tokens[index + 1 : index + 3]]
        if before in ("in", "a"):
            return True
        return (
            len(after) > 1
            and after[0].text == ":"
            and (after[1].kind in ("line", "field") or after[1].text in ("record", "the", "its"))
        )

    def _true(self, reading: Sequence[Pair]) -> bool:
        """Return whether every pair of a reading holds; a value alone must be that of some asked field."""
        values = {field: value.lower() for field, value in self.values.items()}
        return all(values.get(field) == value if field else value in values.values() for field, value in reading)

    def _fields_of(self, alone: Sequence[str], named: set[str]) -> set[str] | None:
        """Return the fields that values without a field name state; None if one could be meant of a wrong field."""
        if not alone:
            return set()
        values = {field: value.lower() for field, value in self.values.items()}
        possible = {
            field: {value.lower() for value in self.possible.get(field, ())} | {values[field]} for field in values
        }
        counts, found, unclear = Counter(alone), set[str](), list[str]()
        for value, count in counts.items():
            fields = [field for field in values if value in possible[field]]
            right = [field for field in fields if values[field] == value]
            if right == fields and (len(right) == 1 or count >= len(right)):
                found.update(right)
            else:
                unclear.append(value)
        left = [field for field in values if field not in found | named]
        for value in unclear:
            fields = [field for field in left if value in possible[field]]
            right = [field for field in fields if values[field] == value]
            if right == fields:
                found.update(right[: counts[value]])
            elif [value for value in alone if value in unclear] == [values[field] for field in left]:
                return found | set(left)
            else:
                return None
        return found


def _symbols(tokens: Sequence[Token]) -> list[list[Symbol]]:
    """Return the sentences that hold a value, as the symbols that `readings` takes."""
    parts: list[list[Symbol]] = [[]]
    for token in tokens:
        if token.kind == "end":
            parts.append([])
        elif token.kind in ("field", "value"):
            parts[-1].append(("field" if token.kind == "field" else "value", token.text))
        elif token.kind == "line":
            parts[-1].append(("line", ""))
        elif token.text == ":":
            parts[-1].append((":", ""))
        elif token.text in ("of", "in"):
            parts[-1].append(("preposition", ""))
        elif token.text in SEPARATORS:
            parts[-1].append(("separator", ""))
    return [part for part in parts if any(kind == "value" for kind, _ in part)]


def _json_object(text: str) -> dict[str, str]:
    """Return the names and values of a JSON object of texts, in lower case; an empty one if it is no such object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        return {}
    return {name.casefold(): each.casefold() for name, each in value.items()}
