"""The text of a compiled program -> what it moves between devices: how many arrays, how many bytes, in which loop.

A program is a set of computations that call each other. What one moves is what its own collectives move and what all
that it calls moves: a fusion, a call, an asynchronous wrapper once; of a conditional's branches the one that moves more
of a kind; a loop's body as often as it runs, which the compiler writes beside the loop.

Sizes are those of the larger side on one device: an all-gather's or an all-reduce's result, a reduce-scatter's operand.
One operation may move several arrays (a tuple); each counts. Of an asynchronous pair the start counts and the end does
not.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

KINDS = (
    "all-gather",
    "all-reduce",
    "reduce-scatter",
    "all-to-all",
    "ragged-all-to-all",
    "collective-permute",
    "collective-broadcast",
)


@dataclass
class Moved:
    """Arrays and their bytes by kind of collective."""

    arrays: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(self.arrays + other.arrays, self.bytes + other.bytes)

    def __mul__(self, times: int) -> "Moved":
        return Moved(*(Counter({kind: n * times for kind, n in part.items()}) for part in (self.arrays, self.bytes)))

    def __or__(self, other: "Moved") -> "Moved":
        return Moved(self.arrays | other.arrays, self.bytes | other.bytes)


class Loop(NamedTuple):
    """A while loop, and what one turn of it moves, with loops inside of it."""

    times: int | None
    """None: the compiler does not know."""
    name: str
    """What JAX calls the operation, such as jit(f)/transpose(jvp())/while."""
    moved: Moved


class Program:
    """Computations of a compiled program. Raises ValueError for a text that is none."""

    def __init__(self, text: str) -> None:
        self.computations: dict[str, dict[str, Instruction]] = {}
        self.entry, own = "", {}
        for line in text.splitlines():
            if header := _HEADER.match(line):
                own = self.computations[header[2]] = {}
                self.entry = header[2] if header[1] else self.entry
            elif (one := _instruction(line)) is not None:
                own[one.name] = one
        if not self.entry:
            raise ValueError("this is no compiled program: it has no ENTRY")

    @property
    def size(self) -> int:
        """Instructions of all computations."""
        return sum(map(len, self.computations.values()))

    def moved(self, computation: str = "", outside_of_loops: bool = False) -> Moved:
        """What a computation (default: the whole program) moves, with what it calls.

        Raises ValueError if a loop moves something and nobody knows how often it runs.
        """
        own, total = self.computations[computation or self.entry], Moved()
        for one in own.values():
            if one.opcode == "while" and outside_of_loops:
                continue
            total = total + _moved(one, own)
            if one.opcode == "while":
                total = total + self._turns(one)
            elif one.opcode == "conditional":
                branches = Moved()
                for name in one.calls:
                    branches = branches | self.moved(name, outside_of_loops)
                total = total + branches
            else:
                for name in one.calls:
                    total = total + self.moved(name, outside_of_loops)
        return total

    def loops(self, computation: str = "") -> list[Loop]:
        """All loops that a computation (default: the whole program) comes to, outer ones before those in them."""
        found = []
        for one in self.computations[computation or self.entry].values():
            if one.opcode == "while":
                found.append(Loop(one.times, one.jax_name, self.moved(one.body) + self.moved(one.condition)))
            for name in one.calls:
                found.extend(self.loops(name))
        return found

    def _turns(self, loop: "Instruction") -> Moved:
        body, condition = self.moved(loop.body), self.moved(loop.condition)
        if loop.times is None:
            if (body + condition).arrays:
                raise ValueError(f"the loop {loop.name} moves {body + condition} and has no known_trip_count")
            return Moved()
        return body * loop.times + condition * (loop.times + 1)


@dataclass(frozen=True)
class Instruction:
    """One line of a computation."""

    name: str
    type: str
    opcode: str
    operands: tuple[str, ...]
    attributes: str
    """What stands after the operands, without quoted names."""
    jax_name: str
    times: int | None

    @property
    def calls(self) -> tuple[str, ...]:
        """Computations that it runs. The ends of asynchronous pairs name what their start runs, and run nothing."""
        if self.opcode.endswith(("-done", "-update")):
            return ()
        return tuple(name for found in _CALLED.finditer(self.attributes) for name in _NAME.findall(found[1]))

    @property
    def body(self) -> str:
        """A loop's body."""
        return _named(self.attributes, "body")

    @property
    def condition(self) -> str:
        """A loop's condition."""
        return _named(self.attributes, "condition")


_HEADER = re.compile(r"(ENTRY )?%?([\w.$-]+) \(.*\{\s*$")
_LINE = re.compile(r"\s+(?:ROOT )?%?([\w.$-]+) = (.*)")
_NAME = re.compile(r"%?([\w.$-]+)")
_CALLED = re.compile(
    r"\b(?:calls|to_apply|body|condition|called_computations|branch_computations|true_computation|false_computation)"
    r"=(\{[^}]*\}|%?[\w.$-]+)"
)
_ARRAY = re.compile(r"\b([a-z][a-z0-9]*)\[([\d,<= ]*)\]")


def _instruction(line: str) -> Instruction | None:
    found = _LINE.match(re.sub(r"/\*.*?\*/", "", line))
    if found is None:
        return None
    name, rest = found.groups()
    kind, rest = (rest[: (end := _closed(rest))], rest[end:]) if rest[0] == "(" else rest.split(" ", 1)
    opcode, _, rest = rest.strip().partition("(")
    end = _closed(f"({rest}")
    operands, attributes = rest[: end - 2], rest[end - 1 :]
    times, jax_name = (re.search(rf"{key}[^\w]*(.*?)\"", attributes) for key in ('known_trip_count":{"n', "op_name="))
    return Instruction(
        name,
        kind,
        opcode,
        tuple(part.split()[-1].lstrip("%") for part in _parts(operands)),
        re.sub(r'"(?:[^"\\]|\\.)*"', "", attributes),
        jax_name[1] if jax_name else "",
        int(times[1]) if times else None,
    )


def _closed(text: str) -> int:
    """Where the bracket that `text` begins with is closed: one past it."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "({[") - (letter in ")}]")
        if not depth:
            return place + 1
    raise ValueError(f"brackets that never close: {text[:80]}")


def _parts(text: str) -> Iterator[str]:
    """The parts of a list at its commas, those within brackets left alone."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "({[") - (letter in ")}]")
        if letter == "," and not depth:
            yield text[start:place].strip()
            start = place + 1
    if text[start:].strip():
        yield text[start:].strip()


def _named(attributes: str, key: str) -> str:
    found = re.search(rf"\b{key}=%?([\w.$-]+)", attributes)
    if found is None:
        raise ValueError(f"a loop without {key}: {attributes[:80]}")
    return found[1]


def _moved(one: Instruction, own: dict[str, Instruction]) -> Moved:
    """What an instruction moves by itself."""
    kind = one.opcode.removesuffix("-start")
    if kind not in KINDS:
        return Moved()
    if kind == "reduce-scatter":
        arrays = [array for name in one.operands for array in _arrays(own[name].type)]
    elif one.opcode.endswith("-start") and kind != "all-reduce":
        # (operands, results, contexts); an all-reduce's start has the type of its results alone.
        arrays = _arrays(list(_parts(one.type[1:-1]))[1])
    else:
        arrays = _arrays(one.type)
    return Moved(Counter({kind: len(arrays)}), Counter({kind: sum(arrays)}))


def _arrays(kind: str) -> list[int]:
    """Bytes of every array of a type, which may be a tuple. Raises ValueError for an unknown kind of number."""
    sizes = []
    for number, shape in _ARRAY.findall(re.sub(r"\{[^}]*\}", "", kind)):
        bits = 1 if number == "token" else 8 if number == "pred" else _bits(number)
        count = 0 if number == "token" else 1
        for length in filter(None, shape.split(",")):
            count *= int(length.lstrip("<= "))
        sizes.append(-(-count * bits // 8))
    return sizes


def _bits(number: str) -> int:
    found = re.fullmatch(r"(?:bf|[sufc])(\d+)(?:e\d\w*)?", number)
    if found is None:
        raise ValueError(f"unknown kind of number {number}")
    return int(found[1])
