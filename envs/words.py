"""Random words, phrases and keys for tasks, each drawn from one split.

    train       English words, and keys, for training tasks
    heldout     other English words and keys, for evaluation; disjoint from train
    synthetic   invented words and random letters, which teach a model to copy strings that it has never seen

A hash of the word or key decides between train and heldout, so that adding words moves no other word.
"""

import hashlib
import random
import string
from collections.abc import Callable, Iterator
from functools import cache
from typing import Literal

Split = Literal["train", "heldout", "synthetic"]
SPLITS: tuple[Split, ...] = ("train", "heldout", "synthetic")

_ENGLISH = """
account action admin agent alarm album alert alias alpha amber anchor angle answer apple archive arrow asset atlas
audio audit autumn avatar backup badge balance banner barrel basket batch battery beacon beta bicycle billing binary
birch blanket block border bottle bottom branch bridge broken browser bucket budget buffer build bundle button cable
cache calendar camera campaign canal candle canvas capital captain carbon card cargo carpet castle catalog cedar cell
center chain chair channel chapter chart check checkout cherry circle clean client clock cloud cluster coast coffee
column comet command comment compass config connect contact contract copper copy corner cotton counter country coupon
course cover crash credit crystal cursor custom cycle daily dashboard data deadline debug decision default delay
delete delta deploy design desk detail device dialog diamond digest digital dinner disk display docker domain door
double draft dragon drawer driver duplicate dynamic eagle early east echo edge editor elastic email empty engine entry
error escape evening event excel exit expert export fabric factory failure falcon family feature feed fence fiber
field filter final finance finger fire firewall flag flash flight floor flower folder font footer forest form format
forum fountain frame freeze fresh friend frozen future gallery garden gateway gear ghost giant glass global gold grain
granite graph gravity green grid group guard guest guide guitar hammer handle harbor hardware harvest hash header
health heap heart height helmet helper hidden history holiday honey hook horizon host hotel hourly house icon image
import inbox index indigo input insight install invite invoice iron island ivory jacket jasmine job journal journey
jungle kernel key kiosk kitchen ladder lake lamp landing language lantern laptop large latency launch layout lazy
leader legacy lemon letter level library license light limit linen link local locker login logout lunar machine magnet
mail manager mango manual map maple marble margin market master matrix meadow media meeting member memory menu merge
message metal meter migration mirror missing mobile model module monitor monthly morning motion mountain museum music
native network nickel night noise north notice number object ocean offer office offline olive onion online opal open
option orange orbit order organic origin outage output owner oxygen package paint panel paper parser partner password
patch path pattern payment pearl pencil people pepper permit phone photo piano pilot pipeline pixel planet plastic
platform player plugin pocket pointer policy portal poster powder power preview price print private process product
profile prompt proxy public pump purple python quality quartz queue quick quiet quota rabbit radar random rapid rating
reader recent recipe record redis refund region release remote render repair replica report request rescue reset
resource response result retry return review reward ribbon river robot rocket role roof root rose router routine ruby
runner runtime safety salad sample sandbox satin scale scanner schedule schema school scope screen script search
season secret sector secure sensor server service session setting shadow shape shelter shield shipping shore signal
silent silver simple single sitemap sketch slate slow smart snapshot social socket soft solar sound source south spare
spark special speed spider spring sprint stable stack staff stage standard station steam steel sticky stone store
storm stream street string strong studio style subject submit subway sugar summer summit sunset support survey switch
symbol sync system table tablet target task team tempo tenant terminal test theme thread tiger timber timeout title
toast token tomato tool tooltip topic total touch tower traffic train transfer travel trend trial tunnel turbo twin
type umbrella unit upgrade upload urgent usage user valley value vector velvet vendor verify version video view
vintage violet virtual visit voice volume wagon wallet warning watch water wave weather webhook weekly west wheel
widget window winter wire wizard wooden worker world yellow zebra zone
""".split()

# Words of the requests' wordings. Invented words borrow from them, because a tokenizer has separate pieces for them.
_REQUESTS = """
add address become belongs below body bring called change child content could create document enter file into issue
label labels list make mark move must named need needs next note page parent place please priority project publish
raise ready right saying set shift should space status summary take text there ticket titled track transition under
update with write
""".split()

_KEYS = 8
"""Hash classes of words and keys, of which the first `_HELD` are held out."""
_HELD = 2


def held_out(value: str) -> bool:
    """Return whether a word or key belongs to the held-out split, as a quarter do."""
    return hashlib.sha256(value.encode()).digest()[0] % _KEYS < _HELD


@cache
def english(split: Split) -> tuple[str, ...]:
    """Return the English words of a split, in a fixed order."""
    return tuple(word for word in _ENGLISH if held_out(word) == (split == "heldout"))


def word(rng: random.Random, split: Split) -> str:
    """Draw one word in lower case."""
    if split != "synthetic":
        return rng.choice(english(split))
    return _until(rng, _invented, lambda drawn: drawn not in english("heldout"))


def phrase(rng: random.Random, split: Split, least: int, most: int, fresh: Iterator[str] | None = None) -> str:
    """Draw `least` to `most` words, from `fresh` if given, as a phrase with a capital first letter."""
    text = " ".join(next(fresh) if fresh else word(rng, split) for _ in range(rng.randint(least, most)))
    return text[0].upper() + text[1:]


def fresh_words(rng: random.Random, split: Split) -> Iterator[str]:
    """Yield words without repetition, so that a task's values share no word and cannot be confused."""
    seen: set[str] = set()
    while True:
        fresh = _until(rng, lambda rng: word(rng, split), lambda drawn: drawn not in seen)
        seen.add(fresh)
        yield fresh


def key(rng: random.Random, split: Split) -> str:
    """Draw a project or space key: two to four capital letters."""
    return _until(
        rng,
        lambda rng: "".join(rng.choices(string.ascii_uppercase, k=rng.randint(2, 4))),
        lambda drawn: held_out(drawn) == (split == "heldout"),
    )


def distinct(rng: random.Random, count: int, draw: Callable[[random.Random], str]) -> list[str]:
    """Draw until there are `count` values that differ in more than case."""
    values: dict[str, str] = {}
    while len(values) < count:
        drawn = draw(rng)
        values.setdefault(drawn.lower(), drawn)
    return list(values.values())


def _invented(rng: random.Random) -> str:
    """Draw an invented word: two halves of real words, random letters, or syllables."""
    kind = rng.random()
    if kind < 0.5:
        # Halves of real words are tokenized into the pieces that real words have.
        start, end = (rng.choice(english("train") if rng.random() < 0.6 else _REQUESTS) for _ in range(2))
        return start[: rng.randint(1, len(start) - 1)] + end[rng.randint(1, len(end) - 1) :]
    if kind < 0.6:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 6)))
    syllables = (
        rng.choice("bcdfghjklmnprstvwz") + rng.choice("aeiou") + rng.choice(["", "", "n", "r", "s", "t"])
        for _ in range(9)
    )
    invented = "".join(next(syllables) for _ in range(rng.choice([1, 2, 2, 2, 3])))
    return invented if len(invented) > 2 else invented + rng.choice("bdgklmnprst")


def _until(rng: random.Random, draw: Callable[[random.Random], str], fits: Callable[[str], bool]) -> str:
    """Draw until a value fits."""
    while not fits(drawn := draw(rng)):
        pass
    return drawn
