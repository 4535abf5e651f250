"""Puts sentences into the message that carries them: greetings, mails, chats with stack traces, typos, lower case."""

import random
import re
from collections.abc import Callable, Sequence

from envs.requests import people
from envs.requests.dates import today
from envs.requests.grammar import BEGIN, CLOSE, END, OPEN, Clause, Said, capitalised, say, value, without_marks
from envs.words import Split

_GREETING = Clause(("[hi|hello|hey] [team|all|there],", "good morning,"), ("[dear|morning] colleagues,", "hi folks,"))
_CLOSING = Clause(
    ("thanks!", "thank you!", "thanks a lot.", "cheers."),
    ("many thanks in advance.", "much appreciated.", "that would help a lot."),
)
_ASIDE = Clause(
    (
        "we talked about this in the stand-up.",
        "sorry for the late message.",
        "no rush, but today would be good.",
        "I am on the train, so this is short.",
        "this came up in the weekly call.",
        "I will be out of office in the afternoon.",
        "the demo went well, by the way.",
        "I can explain more in a call.",
    ),
    (
        "we promised the customer an answer this week.",
        "I cannot open the site from my phone.",
        "my access does not work from home.",
        "nobody else is around, so I am asking you.",
        "the others have agreed.",
        "I have put it off for too long.",
    ),
)
_TYPOS = {
    "please": ("plese", "pleae"),
    "could": ("coudl",),
    "should": ("shoudl", "shuold"),
    "because": ("becuase",),
    "with": ("wiht",),
    "belongs": ("belogns",),
    "create": ("creat", "craete"),
    "move": ("mvoe",),
    "under": ("udner",),
    "priority": ("prioirty", "priorty"),
    "label": ("lable",),
    "needs": ("neds",),
    "thanks": ("thnaks", "thx"),
    "again": ("agian",),
    "today": ("tody",),
    "this": ("thsi",),
    "there": ("ther",),
    "about": ("abuot",),
    "also": ("aslo",),
    "page": ("pgae",),
}
_TRACES = (
    ("TypeError: Cannot read properties of undefined (reading 'total')", "    at renderCart (cart.js:88:14)",
     "    at update (app.js:210:7)"),
    ("java.lang.NullPointerException: customer", "    at billing.InvoiceJob.run(InvoiceJob.java:142)",
     "    at scheduler.Worker.next(Worker.java:57)"),
    ('File "sync.py", line 64, in push', "    response.raise_for_status()", "HTTPError: 502 Server Error: Bad Gateway"),
    ("panic: runtime error: index out of range [3] with length 3", "main.readRows(0xc0000140a0)",
     "    /srv/import/rows.go:41 +0x1d"),
    ("ERROR 14:02:11 queue.consumer - gave up after 5 retries", "Caused by: connection reset by peer"),
    ("Uncaught RangeError: Invalid time value", "    at Date.toISOString (<anonymous>)",
     "    at format (dates.ts:31:20)"),
)  # fmt: skip
_BEFORE_TRACE = Clause(
    ("here is the log from this morning:", "this is all I could copy from the console:", "the log says:"),
    ("found this in the output:", "the machine printed this:", "I pasted the trace for the record:"),
)
_MAILED = Clause(
    (
        "the page stayed blank when I tried again. Two of my colleagues see the same.",
        "a customer called about it twice. I could not tell her when it will work.",
        "I checked with the team in Lisbon. They have not seen it so far.",
        "this has cost us half a day. The numbers are right in the old report.",
        "it worked last week. I have not changed anything since then.",
    ),
    (
        "our partner asks for news every day. I do not know whom to send him to.",
        "the screenshots are on the shared drive. The second one shows it best.",
        "it only happens on the big screen. On my laptop everything is fine.",
        "we have a workaround for now. It will not hold for long.",
    ),
)
_FORWARDED = Clause(
    ("---------- Forwarded message ----------\nFrom: {person}", "{person} wrote:", "Mail from {person}:"),
    ("Begin of the mail that I got from {person}:", "What {person} sent me:"),
)
_SIGNED = Clause(
    ("best,\n{person}", "regards,\n{person}", "best regards\n{person}"), ("yours,\n{person}", "so long\n{person}")
)
CORRECTION = Clause(
    (
        "[sorry|wait|no], not {wrong}, I [mean|meant] {right}.",
        "no, make that {right} instead of {wrong}.",
        "[oops|sorry], {wrong} is wrong, it has to be {right}.",
    ),
    (
        "scratch {wrong}, {right} is correct.",
        "on second thought {right}, forget about {wrong}.",
        "hm, {wrong} was a slip of mine; take {right}.",
        "I mixed something up: {right} rather than {wrong}.",
    ),
)
"""Takes back a value, `wrong`, that a sentence before it gave, in favour of `right`."""
_NOISE = {2: 0.0, 3: 0.35, 4: 0.6, 5: 0.9}
"""By difficulty, the chance of a mail or a pasted log around the wish."""
_CARELESS = {2: 0.0, 3: 0.3, 4: 0.35, 5: 0.4}
"""By difficulty, the chance of typos, and of lower case."""


def message(
    rng: random.Random, split: Split, difficulty: int, sentences: Sequence[Said], dated: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Put sentences, in their order, into a context; return the request and its wordings.

    `dated` says that the sentences need the current day, which the message then states.
    """
    wordings = [wording for sentence in sentences for wording in sentence.wordings]
    parts = [capitalised(sentence.text) for sentence in sentences]
    if dated:
        spoken = today(rng, split)
        wordings += spoken.wordings
        parts.insert(rng.choice([0, len(parts)]), capitalised(spoken.text))
    if rng.random() < 0.3:
        parts.insert(rng.choice([0, len(parts)]), capitalised(say(rng, split, _ASIDE).text))
    body = _joined(parts)
    casual = rng.random() < _CARELESS[difficulty]
    body = _careless(rng, difficulty, body, casual)
    if rng.random() < _NOISE[difficulty]:
        body = rng.choice([_mail, _pasted])(rng, split, body, casual)
    elif rng.random() < 0.4:
        body = rng.choice([_greeted, _thanked])(rng, split, body, casual)
    return without_marks(body), tuple(wordings)


def _joined(parts: Sequence[str]) -> str:
    """Join sentences; one that ends in a line break keeps it."""
    text = ""
    for part in parts:
        text += part if not text or text.endswith("\n") else f" {part}"
    return text.strip()


def _outside(text: str, marks: tuple[tuple[str, str], ...], change: Callable[[str], str]) -> str:
    """Change the text outside of marked spans; `marks` lists pairs of marks."""
    spans = "|".join(f"{begin}[^{end}]*{end}" for begin, end in marks)
    pieces = re.split(f"({spans})", text)
    return "".join(piece if number % 2 else change(piece) for number, piece in enumerate(pieces))


def _careless(rng: random.Random, difficulty: int, text: str, casual: bool) -> str:
    """Misspell some of the words and, if casual, write in lower case."""
    if rng.random() < _CARELESS[difficulty]:
        marks = ((BEGIN, END), (OPEN, CLOSE))
        text = _outside(text, marks, lambda piece: re.sub(r"[a-z]+", lambda word: _misspelled(rng, word[0]), piece))
    return _outside(text, ((OPEN, CLOSE),), str.lower) if casual else text


def _misspelled(rng: random.Random, word: str) -> str:
    return rng.choice(_TYPOS[word]) if word in _TYPOS and rng.random() < 0.7 else word


def _greeted(rng: random.Random, split: Split, body: str, casual: bool) -> str:
    greeting = capitalised(say(rng, split, _GREETING).text)
    return f"{greeting.lower() if casual else greeting}\n{body}"


def _thanked(rng: random.Random, split: Split, body: str, casual: bool) -> str:
    closing = capitalised(say(rng, split, _CLOSING).text)
    # After a value on a line of its own, thanks on the same line would read as a part of it.
    between = "\n" if "\n" in body else " "
    return f"{body}{between}{closing.lower() if casual else closing}"


def _mail(rng: random.Random, split: Split, body: str, casual: bool) -> str:
    """Put a greeting and a signature around the wish, and a forwarded text before or after it."""
    person = people.person(rng, split)
    other = people.person(rng, split, [person])
    greeting = capitalised(say(rng, split, _GREETING).text)
    signed = capitalised(say(rng, split, _SIGNED, person=person).text)
    head = capitalised(say(rng, split, _FORWARDED, person=other).text)
    quoted = "\n".join(f"> {line}" for line in [capitalised(say(rng, split, _MAILED).text)])
    mail = f"{greeting}\n\n{body}\n\n{signed}"
    return f"{mail}\n\n{head}\n{quoted}" if rng.random() < 0.6 else f"{head}\n{quoted}\n\n{mail}"


def _pasted(rng: random.Random, split: Split, body: str, casual: bool) -> str:
    """Paste a stack trace before or after the wish."""
    lead = capitalised(say(rng, split, _BEFORE_TRACE).text)
    trace = value("\n".join(rng.choice(_TRACES))).text
    lead = lead.lower() if casual else lead
    return f"{body}\n\n{lead}\n{trace}" if rng.random() < 0.5 else f"{lead}\n{trace}\n\n{body}"
