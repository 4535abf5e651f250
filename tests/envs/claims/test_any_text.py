"""Laws of all claims on any text: no error, no score outside [0, 1], no long wait."""

import random
import sys

from envs.claims import word_classes
from envs.claims.additions import adds
from envs.claims.denial import denies
from envs.claims.facts import FieldValues
from envs.claims.impossible import Impossible
from envs.claims.listed import Choice, Count

CLAIMS = (
    FieldValues("AB-16", {"status": "Not ready", "priority": "High"}, {"status": ("Not ready", "Or")}, {"type": "Bug"}),
    Choice("AB-2", ("AB-2", "QQ-1")),
    Count(2, ("AB-2", "QQ-1")),
    Impossible("status", "Not ready", {"issue": "AB-1"}),
)
SALAD = sorted(word_classes.NEGATION | word_classes.DOUBT | word_classes.COURTESY | word_classes.PAST_TENSE)
SALAD += "AB-16 AB-2 QQ-1 AB-1 Not ready High status priority transition 2 ² ٣ 's".split()
SALAD += list(".,:;?!-|\n()*`\"'")


def texts() -> list[str]:
    """Draw texts of random characters and of random words."""
    rng = random.Random(0)
    drawn = ["".join(chr(rng.randrange(sys.maxunicode)) for _ in range(rng.randrange(60))) for _ in range(200)]
    drawn += ["".join(chr(rng.randrange(1, 600)) for _ in range(rng.randrange(80))) for _ in range(300)]
    return drawn + [" ".join(rng.choices(SALAD, k=rng.randrange(1, 40))) for _ in range(1000)]


def test_claims__take_any_text():
    for text in texts():
        assert all(0 <= claim.score(text) <= 1 for claim in CLAIMS) and {denies(text), adds(text, frozenset())} <= {
            True,
            False,
        }


def test_claims__a_dump_earns_nothing():
    for part in ("High. ", "status Not ready, priority High\n", "AB-2 ", "2 ", "There is no status Not ready. "):
        assert [claim.score(part * (100_000 // len(part))) for claim in CLAIMS] == [0.0] * 4
