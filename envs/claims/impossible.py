from dataclasses import dataclass


@dataclass(frozen=True)
class Impossible:
    part: str
    missing: str
    present: dict

    def score(self, text):
        return float(self.missing in text and "no" in text)
