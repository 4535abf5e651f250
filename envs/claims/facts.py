from dataclasses import dataclass
from typing import Protocol


class Claim(Protocol):
    def score(self, text: str) -> float: ...


@dataclass(frozen=True)
class FieldValues:
    record: str
    values: dict
    possible: dict
    other_facts: dict

    def score(self, text):
        if any(v in text for v in self.other_facts.values()):
            return 0.0
        return sum(v in text for v in self.values.values()) / len(self.values)


@dataclass(frozen=True)
class Choice:
    chosen: str
    among: tuple

    def score(self, text):
        return float(self.chosen in text and not any(o in text for o in self.among if o != self.chosen))


@dataclass(frozen=True)
class Count:
    number: int
    listed: tuple

    def score(self, text):
        return float(str(self.number) in text)
