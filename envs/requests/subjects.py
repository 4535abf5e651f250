"""Summaries of issues, as teams write them, each with a topic: a phrase of the summary by which people speak of it."""

import random
import re
from collections.abc import Collection
from typing import NamedTuple

from envs import words
from envs.words import Split


class Subject(NamedTuple):
    """Topic of an issue."""

    kind: str
    """The issue type that fits: Bug, Task or Story."""
    summary: str
    topic: str
    """Empty if the summary has no handy noun."""


_TEXTS = {
    "action": "Login|Checkout|Password reset|Photo upload|Address search|Invoice download|Two-factor setup|Profile edit"
    "|Voucher entry|Order cancellation|Seat selection|Video playback|PDF preview|Newsletter signup|Card payment"
    "|Route planning|Calendar sync|Guest checkout|Document signing|Bulk import",
    "browser": "Safari|Firefox|Edge|Chrome|Opera|the Android app|the iPhone app|the tablet view",
    "after": "after the update|since Thursday|when cookies are blocked|behind the company proxy|on slow connections"
    "|after the session expires|in private mode|for new customers|with a German keyboard|after logging in twice",
    "screen": "Order overview|Invoice list|Delivery page|Account page|Search page|Booking summary|Shopping cart"
    "|Return form|Payment screen|Contract list|Usage report|Stock table|Driver map|Ticket queue|Shift calendar",
    "wrong": "shows yesterday's prices|stays empty|loads twice|shows the wrong currency|ignores the filter"
    "|jumps back to the top|sorts dates as text|hides the last row|cuts off long names|shows a grey box"
    "|forgets the chosen language|freezes while scrolling",
    "role": "guest users|business customers|customers abroad|users with two accounts|archived accounts|trial accounts"
    "|warehouse staff|managers|screen reader users|partners",
    "job": "Nightly backup|Stock import|Invoice export|Price feed|Mail queue|Search index|Cleanup job|Report builder"
    "|Exchange rate update|Address validation|Image resizer|Log rotation|Payout run|Contact sync",
    "trouble": "times out|stops halfway|runs twice|skips the last file|takes three hours|fails without a message"
    "|fills the disk|uses the wrong time zone|locks the customer table|drops umlauts",
    "when": "at month end|on Mondays|for large accounts|during the release|under load|for empty files|at midnight"
    "|when the disk is slow|on the staging server|with more than 500 rows",
    "upgrade": "the payment library|the image server|the Java runtime|the search cluster|the mail gateway"
    "|the staging database|the map component|the test phones|the certificate store|the build agents|the font files"
    "|the chart library|the scanner firmware|the old reporting views",
    "deed": "Upgrade|Replace|Document|Retire|Move|Review|Clean up|Load test|Monitor|Back up",
    "before": "before the audit|before spring|for the new office|ahead of the release|before the contract ends"
    "|for the Lisbon team|before the price change|for the pilot customers|this quarter|before the fair",
    "want": "filter orders by date|save a search|download a <yearly statement>"
    "|share a <wish list>|pause a <subscription>"
    "|change the <delivery address>|sign in with a <passkey>|see the <price history>|get a <reminder> by text message"
    "|print a <return label>|compare two plans|export the <shift plan>|attach photos to a claim|hide sold out items"
    "|rate a <delivery>|book for a group",
    "who": "Customers|Store managers|Drivers|Accountants|Guests|Partners|Teachers|Nurses|Dispatchers|Editors",
    "amount": "one cent|two cents|a day|the shipping fee|one line|the discount",
    "thing": "Invoice|Order|Credit note|Delivery note|Receipt|Contract|Quote|Booking",
}
_LISTS = {name: tuple(text.split("|")) for name, text in _TEXTS.items()}
_LISTS["task"] = tuple(job[0].lower() + job[1:] for job in _LISTS["job"])
_PATTERNS = (
    ("Bug", "<{action}> fails in {browser} {after}", 5),
    ("Bug", "<{screen}> {wrong} for {role}", 5),
    ("Bug", "<{job}> {trouble} {when}", 4),
    ("Bug", "<{thing} {number}> is off by {amount}", 2),
    ("Task", "{deed} <{upgrade}> {before}", 5),
    ("Story", "{who} can {want}", 4),
    ("Story", "{who} can {want} in {browser}", 2),
    ("Task", "Write a test for the <{task}> {when}", 2),
)
"""(issue type, pattern with the topic between angle brackets, weight)."""


def subject(rng: random.Random, split: Split, taken: Collection[str] = ()) -> Subject:
    """Draw a summary of the split that is not taken."""
    while True:
        kind, pattern, _ = rng.choices(_PATTERNS, [weight for *_, weight in _PATTERNS])[0]
        drawn = {name: rng.choice(_LISTS[name]) for name in re.findall(r"{(\w+)}", pattern) if name in _LISTS}
        drawn["number"] = str(rng.randint(1200, 9800))
        marked = pattern.format(**drawn)
        summary = re.sub("[<>]", "", marked)
        if words.held_out(summary) == (split == "heldout") and summary not in taken:
            topic = re.search("<(.*)>", marked)
            return Subject(kind, summary, topic[1] if topic else "")


def in_speech(topic: str) -> str:
    """Return a topic as it is written inside a sentence: a common noun in lower case, with its article."""
    if re.search(r"\d", topic):
        return topic[0].lower() + topic[1:]
    common = topic if topic[:2].isupper() else topic[0].lower() + topic[1:]
    return common if topic.startswith("the ") else f"the {common}"
