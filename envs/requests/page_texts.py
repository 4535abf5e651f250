"""Titles of pages, and sentences that people put on pages and into comments."""

import random
from collections.abc import Collection

from envs.api.operation import Json
from envs.requests.values import of_split
from envs.words import Split

_TOPICS = (
    """
Release|Onboarding|Backup|Incident|Travel|Hiring|Security|Data Retention|Code Review|Holiday|Office Move|Customer Visit
Test Device|Price Change|Supplier|Warehouse|Payroll|Key Handover|Training|Inventory|Fire Drill|Password|Remote Work
Trade Fair|Migration|Load Test|Laptop|Parking|Newsletter|Translation|Shift|Contract|Refund|Night Duty|Rollback
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_KINDS = "Checklist|Guide|Policy|Plan|Overview|Runbook|Notes|Schedule|Glossary|Contacts|Summary|Lessons Learned".split(
    "|"
)
_ENDINGS = ("", "", "", " 2026", " for New Colleagues", " for Managers", " Berlin", " for the Support Team", " Draft")
_WHO = "The support team|The finance team|The warehouse|Every team lead|The night shift|The release manager|Our partner"
_DOES = (
    """
collects open questions until Friday|keeps the spare key in room 204|checks the backups on the first of each month
sends the numbers before noon|signs off every change|needs two days to prepare|answers mails within one hour
meets on Tuesdays at ten|orders new badges on request|publishes the results in the spring|tests the alarm each week
updates the list after every visit|calls the supplier before the delivery|writes a short summary after each call
decides about exceptions|has the list of all test accounts|takes over at six in the evening|prints the labels
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_FACTS = (
    """
The old printer is replaced in {month}|The contract with the supplier ends in {month}
The next audit takes place in {month}
All laptops get the update by the end of {month}|The trial runs until the end of {month}
The fair moves to {month}|The new office opens in {month}|The price list changes in {month}
We stop supporting the old app in {month}
The maintenance window is on {day} from two to four|The call with the customer is on {day} at nine
Deliveries arrive on {day} before noon|The lift is out of order until {day}|The canteen is closed on {day}
The restore took {number} minutes and lost no data|The test covers {number} devices|We counted {number} open cases
The import now skips {number} broken rows|The queue may hold {number} messages|The limit is {number} requests a minute
The workshop has room for {number} people|The report lists {number} late orders|The update reached {number} customers
The pilot starts with {number} stores|The archive keeps files for {number} weeks|The review found {number} small defects
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_MONTHS = "March|April|May|June|July|August|September|October|November".split("|")
_DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday".split("|")


def title(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a page's title."""
    draw = lambda r: f"{r.choice(_TOPICS)} {r.choice(_KINDS)}{r.choice(_ENDINGS)}"  # noqa: E731
    return of_split(rng, split, draw, taken)


def sentence(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a sentence with its full stop."""

    def draw(r: random.Random) -> str:
        if r.random() < 0.4:
            return f"{r.choice(_WHO.split('|'))} {r.choice(_DOES)}."
        return f"{r.choice(_FACTS)}.".format(month=r.choice(_MONTHS), day=r.choice(_DAYS), number=r.randint(12, 480))

    return of_split(rng, split, draw, taken)


def body(*paragraphs: str) -> dict[str, Json]:
    """Return paragraphs as a body in the storage format."""
    return {"representation": "storage", "value": "".join(f"<p>{each}</p>" for each in paragraphs)}
