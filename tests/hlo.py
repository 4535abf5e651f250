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
    """JAX's name of the operation, such as jit(f)/transpose(jvp())/while."""
    moved: Moved


class Program:
    """Computations of a compiled program. Raises ValueError for a text without an ENTRY."""

    def __init__(self, text: str) -> None:
        self.computations: dict[str, dict[str, Instruction]] = {}
        self.entry, instructions = "", {}
        for line in text.splitlines():
            if header := _HEADER.match(line):
                instructions = self.computations[header[2]] = {}
                self.entry = header[2] if header[1] else self.entry
            elif (instruction := _instruction(line)) is not None:
                instructions[instruction.name] = instruction
        if not self.entry:
            raise ValueError("not a compiled program: it has no ENTRY")

    @property
    def size(self) -> int:
        """Instructions of all computations."""
        return sum(map(len, self.computations.values()))

    def moved(self, computation: str = "", outside_of_loops: bool = False) -> Moved:
        """Return the arrays that a computation (default: the whole program) and its callees move.

        Raises ValueError if a loop moves something and its trip count is unknown.
        """
        instructions, total = self.computations[computation or self.entry], Moved()
        for instruction in instructions.values():
            if instruction.opcode == "while" and outside_of_loops:
                continue
            total = total + _moved(instruction, instructions)
            if instruction.opcode == "while":
                total = total + self._turns(instruction)
            elif instruction.opcode == "conditional":
                branches = Moved()
                for name in instruction.calls:
                    branches = branches | self.moved(name, outside_of_loops)
                total = total + branches
            else:
                for name in instruction.calls:
                    total = total + self.moved(name, outside_of_loops)
        return total

    def loops(self, computation: str = "") -> list[Loop]:
        """Return all loops that a computation (default: the whole program) reaches, outer before inner ones."""
        loops = []
        for instruction in self.computations[computation or self.entry].values():
            if instruction.opcode == "while":
                loops.append(
                    Loop(
                        instruction.times,
                        instruction.jax_name,
                        self.moved(instruction.body) + self.moved(instruction.condition),
                    )
                )
            for name in instruction.calls:
                loops.extend(self.loops(name))
        return loops

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
    """The text after the operands, without quoted names."""
    jax_name: str
    times: int | None

    @property
    def calls(self) -> tuple[str, ...]:
        """Computations that it runs. The ends of asynchronous pairs name what their start runs, and run nothing."""
        if self.opcode.endswith(("-done", "-update")):
            return ()
        return tuple(name for match in _CALLED.finditer(self.attributes) for name in _NAME.findall(match[1]))

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
    match = _LINE.match(re.sub(r"/\*.*?\*/", "", line))
    if match is None:
        return None
    name, rest = match.groups()
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
    """Return the index after the bracket that closes the one at the start of `text`."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter in "({[") - (letter in ")}]")
        if not depth:
            return index + 1
    raise ValueError(f"brackets that never close: {text[:80]}")


def _parts(text: str) -> Iterator[str]:
    """Yield the parts of a list, split at commas outside brackets."""
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "({[") - (letter in ")}]")
        if letter == "," and not depth:
            yield text[start:index].strip()
            start = index + 1
    if text[start:].strip():
        yield text[start:].strip()


def _named(attributes: str, key: str) -> str:
    match = re.search(rf"\b{key}=%?([\w.$-]+)", attributes)
    if match is None:
        raise ValueError(f"a loop without {key}: {attributes[:80]}")
    return match[1]


def _moved(instruction: Instruction, instructions: dict[str, Instruction]) -> Moved:
    """Return the arrays that an instruction itself moves."""
    kind = instruction.opcode.removesuffix("-start")
    if kind not in KINDS:
        return Moved()
    if kind == "reduce-scatter":
        arrays = [array for name in instruction.operands for array in _arrays(instructions[name].type)]
    elif instruction.opcode.endswith("-start") and kind != "all-reduce":
        # (operands, results, contexts); an all-reduce's start has the type of its results alone.
        arrays = _arrays(list(_parts(instruction.type[1:-1]))[1])
    else:
        arrays = _arrays(instruction.type)
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
    match = re.fullmatch(r"(?:bf|[sufc])(\d+)(?:e\d\w*)?", number)
    if match is None:
        raise ValueError(f"unknown kind of number {number}")
    return int(match[1])
