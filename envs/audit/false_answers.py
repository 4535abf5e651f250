"""False answers to a task that asks for one, built from its claim and site; none of them is true by accident.

other value        a field has another value that the site knows, or one that exists nowhere
another field      a field has the value of another field
swapped            two fields have each other's value
another record     the right values, said of another record
negated            the right values or keys, denied
hedged             the right values or keys, as a guess or as one of several possibilities
question           the right answer as a question
past               the right values, said of the past
not only           a right value, and a wrong one beside it
extra              the right answer, and a false statement after it
everything         all values or keys at once
dump               the responses to the oracle's reads, as the model sees them, and its request
no statement       that nothing was found, or that everything is done
wrong part         what is missing is another part of the request, or not missing at all
"""

from collections.abc import Callable, Iterator, Mapping

from envs.api.tools import DETAILS, render
from envs.audit.wrong_values import NOWHERE, sibling
from envs.claims.facts import FieldValues
from envs.claims.impossible import Impossible
from envs.claims.listed import Choice, Count
from envs.reward.goal import scalars
from envs.scripted_policies import oracle_reads, quoted, replay
from envs.task import PlannedCall, Task

Answers = Iterator[tuple[str, str]]
"""(kind, text) each."""
_OTHERS = 3
"""Other values tried per field."""


def false_answers(task: Task) -> Answers:
    """Yield (kind, text) of answers that do not say the truth, whatever was read."""
    for part in (_generic, *(make for kind, make in _BY_CLAIM.items() if isinstance(task.claim, kind))):
        yield from part(task)


def _generic(task: Task) -> Answers:
    """Yield what is no answer to any question, and the oracle's answer denied, doubted or with its values changed."""
    yield "dump", task.request
    reads = oracle_reads(task)
    operations = task.api.by_name()
    responses, _ = replay(task, reads)
    for detail in DETAILS:
        shown = [render(operations[call.name], each, detail) for call, each in zip(reads, responses, strict=True)]
        if any(responses[index].ok for index in range(len(shown))):
            yield "dump", "\n".join(shown)
            yield "dump", f"{task.request}\n" + "\n".join(shown)
    yield "no statement", "Done."
    yield "no statement", f"I have done it: {task.request}"
    yield "no statement", "I could not find out."
    yield "negated", f"It is not true: {_lowered(task.answer)}"
    yield "negated", f"It is false that {_lowered(task.answer)}"
    yield "hedged", f"Perhaps {_lowered(task.answer)}"
    yield "hedged", f"I guess that {_lowered(task.answer)}"
    yield "hedged", f"{task.answer} But I am not sure."
    yield "question", task.answer.rstrip(".") + "?"
    for value in quoted(task.answer):
        yield "other value", task.answer.replace(f'"{value}"', f'"{NOWHERE}{value}"')


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _about_fields(task: Task) -> Answers:
    """Yield false answers about the fields of a record."""
    claim = task.claim
    assert isinstance(claim, FieldValues)
    right, record = dict(claim.values), claim.record
    for field, value in right.items():
        others = sorted(other for other in claim.possible.get(field, ()) if other.lower() != value.lower())
        wrong = others[0] if others else NOWHERE + value
        for other in (*others[:_OTHERS], NOWHERE + value):
            yield "other value", _stated({**right, field: other})
            yield "other value", ", ".join(f'"{each}"' for each in {**right, field: other}.values())
        for name, fact in (*right.items(), *claim.other_facts.items()):
            if name != field and fact.lower() != value.lower():
                yield "another field", _stated({**right, field: fact})
        denied = {name: f'not "{each}"' if name == field else f'"{each}"' for name, each in right.items()}
        yield "negated", ", ".join(f"its {name} is {each}" for name, each in denied.items()).capitalize() + "."
        yield "hedged", f'{_stated(right)} Or its {field} is "{wrong}".'
        yield "hedged", f'{_rest(right, field)}Its {field} may be "{value}".'
        yield "hedged", f'{_rest(right, field)}Its {field} is "{value}" or "{wrong}".'
        yield "question", f'{_rest(right, field)}Is its {field} "{value}"?'
        yield "past", f'{_rest(right, field)}Its {field} was "{value}".'
        yield "past", f'{_rest(right, field)}Its {field} used to be "{value}".'
        yield "not only", f'{_rest(right, field)}Its {field} is not only "{value}" but also "{wrong}".'
        yield "extra", f'{_stated(right)} Its {field} is also "{wrong}".'
        yield (
            "everything",
            f"{_rest(right, field)}Its {field} is " + ", ".join(f'"{each}"' for each in others + [value]),
        )
    for name, fact in claim.other_facts.items():
        yield "extra", f'{_stated(right)} Its {name} is "{NOWHERE}{fact}".'
    values = list(right.values())
    if len({value.lower() for value in values}) == len(values) > 1:
        yield "swapped", _stated(dict(zip(right, [*values[1:], values[0]], strict=True)))
    for other in _other_records(task, record, right):
        yield "another record", f'Of "{other}": {_lowered(_stated(right))}'
        yield "another record", f'"{other}" has ' + " and ".join(f'the {n} "{each}"' for n, each in right.items()) + "."
    yield "no statement", f'There is no issue "{record}".'


def _stated(values: Mapping[str, str]) -> str:
    """State fields and their values in one sentence."""
    return "Its " + ", its ".join(f'{field} is "{value}"' for field, value in values.items()) + "."


def _rest(values: Mapping[str, str], but: str) -> str:
    """State all fields but one, followed by a space if there are any."""
    others = {field: value for field, value in values.items() if field != but}
    return f"{_stated(others)} " if others else ""


def _other_records(task: Task, record: str, right: Mapping[str, str]) -> Iterator[str]:
    """Yield names of other records of which the values are not all true: one of the site, and one that is nowhere."""
    yield (NOWHERE + record).upper() if record.isupper() else NOWHERE + record
    other = sibling(task.world, record)
    if other is not None:
        plan = [PlannedCall(call.name, _renamed(call, record, other)) for call in oracle_reads(task)]
        shown = frozenset[str]().union(*(scalars(response.body) for response in replay(task, plan)[0]))
        if not set(right.values()) <= shown:
            yield other


def _renamed(call: PlannedCall, old: str, new: str) -> dict[str, object]:
    return {name: new if value == old else value for name, value in call.arguments.items()}


def _about_choice(task: Task) -> Answers:
    """Yield false answers to a question that asks for one of several keys."""
    claim = task.claim
    assert isinstance(claim, Choice)
    right, others = claim.chosen, [key for key in claim.among if key != claim.chosen]
    for other in others:
        yield "other value", f'It is "{other}".'
        yield "other value", other
        yield "hedged", f'It is "{right}" or "{other}".'
        yield "hedged", f'It is either "{other}" or "{right}".'
        yield "not only", f'It is not only "{right}" but also "{other}".'
        yield "not only", f'It is "{right}" and "{other}".'
        yield "negated", f'It is "{other}", not "{right}".'
        yield "extra", f'It is "{right}". It is also "{other}".'
    yield "negated", f'It is not "{right}".'
    yield "negated", f"It is none of {', '.join(claim.among)}."
    yield "hedged", f'It may be "{right}".'
    yield "question", f'Is it "{right}"?'
    yield "everything", ", ".join(claim.among)
    yield "everything", f"It is one of {', '.join(claim.among)}."


def _about_count(task: Task) -> Answers:
    """Yield false answers to a question that asks for a number of listed keys."""
    claim = task.claim
    assert isinstance(claim, Count)
    number = claim.number
    for other in (number - 1, number + 1, 10 * number, 0):
        yield "other value", f"There are {other}."
        yield "other value", f"{other}"
        yield "other value", f"{', '.join(claim.listed)}: {other} in all."
        yield "hedged", f"There are {number} or {other}."
        yield "extra", f"There are {number}. There are {other}."
    yield "negated", f"There are not {number}."
    yield "hedged", f"There may be {number}."
    yield "hedged", f"There are about {number}."
    yield "hedged", f"There are at least {number}."
    yield "question", f"Are there {number}?"
    yield "not only", f"There are more than {number}."
    yield "not only", f"There are not only {number} but {number + 1}."
    yield "everything", ", ".join(claim.listed)
    yield "everything", ", ".join(map(str, range(10)))


def _about_impossible(task: Task) -> Answers:
    """Yield false answers to an impossible request: another part is missing, or nothing is."""
    claim = task.claim
    assert isinstance(claim, Impossible)
    part, missing = claim.part, claim.missing
    for name, value in claim.present.items():
        yield "wrong part", f'There is no {name} "{value}".'
        yield "wrong part", f'The {name} "{value}" does not exist.'
        yield "extra", f'{task.answer} There is no {name} "{value}".'
        yield "extra", f'There is no {part} "{missing}" and no {name} "{value}".'
        yield "hedged", f'There is no {part} "{missing}" or no {name} "{value}".'
    yield "wrong part", f'There is no {part} "{NOWHERE}{missing}".'
    yield "negated", f'There is a {part} "{missing}".'
    yield "negated", f'The {part} "{missing}" exists.'
    yield "negated", f'The {part} "{missing}" is not missing.'
    yield "hedged", f'There may be no {part} "{missing}".'
    yield "question", f'Is there no {part} "{missing}"?'
    yield "not only", f'Not only the {part} "{missing}" is missing.'
    yield "past", f'There was no {part} "{missing}", so I created it.'
    yield "no statement", "It is impossible."
    yield "no statement", f'I used the {part} "{missing}". Done.'
    yield "everything", "Missing: " + ", ".join(f'"{value}"' for value in (missing, *claim.present.values()))


_BY_CLAIM: Mapping[type, Callable[[Task], Answers]] = {
    FieldValues: _about_fields,
    Choice: _about_choice,
    Count: _about_count,
    Impossible: _about_impossible,
}
