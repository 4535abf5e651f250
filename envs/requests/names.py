"""Names of projects, spaces, statuses, transitions, labels, components, versions and sprints."""

import random
from collections.abc import Collection

from envs.requests.values import choose, of_split
from envs.words import Split

PROJECTS = tuple(
    """
Customer Portal|Mobile App|Payments Service|Billing Engine|Checkout Flow|Partner Gateway|Loyalty Program
Data Warehouse|Support Desk|Field Operations|Store Locator|Fraud Detection|Identity Platform|Internal Tools
Warehouse Robots|Order Tracking|Marketing Website|Design System|Search Relevance|Content Studio|Return Center
Claims Handling|Booking Engine|Driver App|Vendor Onboarding|Payroll Export|Expense Reports|Energy Dashboard
Patient Records|Course Catalog|Event Tickets|Fleet Management|Inventory Sync|Shipping Labels|Notification Hub
Release Pipeline|Access Control|Sales Forecast|Ad Manager|Tax Reporting|Gift Cards|Subscription Plans|Video Player
Chat Assistant|Translation Service|Quality Lab|Print Shop|Recruiting Site|Contract Archive|Load Planning
Incident Response|Audit Trail|Price Engine|Product Feed|Table Reservations|Meter Reading|Rental Desk|Lab Samples
Newsletter Builder|Survey Forms|Address Book|Cash Register|Delivery Slots|Visitor Pass|Spare Parts|Travel Desk
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
SPACES = tuple(
    """
Engineering Handbook|Platform Team|Customer Success|People Operations|Product Strategy|Finance Desk|Legal Corner
Support Knowledge Base|Release Notes|Security Practice|Design Studio|Data Guild|Mobile Squad|Field Service
Sales Playbook|Office Berlin|Office Lisbon|Quality Assurance|Research Notes|Partner Program|Marketing Hub
Operations Manual|Infrastructure|Site Reliability|Onboarding Center|Project Office|Procurement|Compliance Library
Training Academy|Architecture Board|Incident Reviews|Community Team|Warehouse Guide|Growth Lab|Billing Team
Checkout Squad|Payments Guild|Accessibility Group|Machine Learning|Travel and Events|Facilities|Brand Center
Documentation Team|Analytics Corner|Vendor Relations|Works Council|Board Papers|Hiring Committee|Integration Team
Localization Desk|Shipping Team|Pricing Council|Store Operations|Identity Squad|Search Team|Hardware Lab
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
STATUSES = tuple(
    """
In Progress|In Review|In Testing|Ready for QA|Ready for Review|Ready for Release|Blocked|On Hold|Waiting for Customer
Waiting for Support|Waiting for Parts|Waiting for Approval|Selected for Development|In Development|In Design
Design Review|Code Review|Peer Review|Legal Review|Security Review|Under Investigation|Needs Information|Needs Triage
Triaged|Scheduled|Planned|Deployed to Staging|Deployed|Verified|Approved|Rejected|Escalated|Parked|In Refinement
Refined|Ready to Start|Paused|In Translation|Awaiting Feedback|Awaiting Deployment|Reopened|Resolved|Cancelled
Accepted|Handed Over|In Analysis|Pilot|Rolled Back|Monitoring|Documented|Released|Signed Off|Merged|Reproduced
Duplicate Check|In Acceptance|Quoted|Invoiced|Packed|Shipped
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
CLOSING = ("Closed", "Archived", "Settled", "Concluded", "Filed Away", "Finished", "Withdrawn", "Retired")
"""Statuses that end the work on an issue."""
TRANSITIONS = tuple(
    """
Begin work|Send back|Hand over|Pick up|Put aside|Move on|Next step|Step back|Advance|Return|Take up|Pass on|Forward it
Pull back|Give way|Go ahead|Carry on|Push through|Set aside|Bring along
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
LABELS = tuple(
    """
checkout regression login browser-support billing urgent-fix customer-reported performance usability accessibility
translation security mobile ios android tablet backend frontend database migration cleanup tech-debt flaky-test
documentation onboarding reporting analytics emails notifications search pricing refunds shipping returns inventory
imports exports permissions audit gdpr monitoring alerting deployment rollback hotfix quick-win needs-design
needs-data research spike follow-up quarterly beta pilot partner vendor upgrade dependencies caching timeouts uploads
images video maps calendar payments invoices tax currency rounding timezone printing barcode scanner hardware
good-first-issue support-case workshop roadmap demo training legal contracts hiring budget
""".split()
)
ISSUE_TYPES = tuple(
    """
Incident|Improvement|Change Request|Service Request|Access Request|Spike|Risk|Question|Initiative|Feature|Problem|Chore
Finding|Defect|Test Case|Decision|Complaint|Idea|Objective|Requirement|Experiment|Purchase Request|Maintenance Job|Audit
Release Note|Support Request|Design Study|Vulnerability|Milestone|Data Request
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
SUBTASK_TYPES = tuple(
    """
Work Item|Action Item|Work Package|Technical Task|Review Step|Child Task|Follow-up Task|Checklist Item|Small Step
Child Issue|Work Step|Side Task|Part Task|Delivery Item|Minor Task|Component Task|Support Item|Story Part|Story Item
Single Step|Team Item|Development Item|Unit of Work|Piece of Work|Inner Task|Nested Task|Breakdown Item|Detail Task
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_TEAMS = (
    "Atlas Comet Falcon Harbor Juniper Kestrel Lantern Maple Nimbus Otter Pioneer Quartz Raven Summit Willow".split()
)


def project_name(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a project's name."""
    return choose(rng, split, PROJECTS, taken)


def space_name(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a space's name."""
    return choose(rng, split, SPACES, taken)


def key_of(rng: random.Random, split: Split, name: str, taken: Collection[str] = ()) -> str:
    """Draw a key of letters of a name, in order, such as MOB or CP for Customer Portal."""
    letters = [letter for letter in name.upper() if letter.isalpha()]

    def draw(r: random.Random) -> str:
        size = min(r.randint(2, 4), len(letters))
        return letters[0] + "".join(letters[i] for i in sorted(r.sample(range(1, len(letters)), size - 1)))

    return of_split(rng, split, draw, taken)


def status(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a status's name."""
    return choose(rng, split, STATUSES, taken)


def similar_statuses(rng: random.Random, split: Split, taken: Collection[str] = ()) -> tuple[str, str]:
    """Draw the names of two statuses that share a word."""
    while True:
        one = choose(rng, split, STATUSES, taken)
        two = choose(rng, split, STATUSES, [*taken, one])
        if {*one.split()} & {*two.split()}:
            return one, two


def closing_status(rng: random.Random, split: Split) -> str:
    """Draw the name of a status that ends the work on an issue."""
    return choose(rng, split, CLOSING)


def transition(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a transition's name, which says nothing about where it leads."""
    return choose(rng, split, TRANSITIONS, taken)


def label(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a label."""
    return choose(rng, split, LABELS, taken)


def component(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a component's name."""

    def draw(r: random.Random) -> str:
        area = (
            "Account Address Basket Calendar Catalog Export Import Invoice Login Map Order Payment Print Report Search"
        )
        return f"{r.choice(area.split())} {r.choice('API Backend Form Jobs Pages Screens Service Worker'.split())}"

    return of_split(rng, split, draw, taken)


def version(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a version's name."""
    return of_split(rng, split, lambda r: f"{r.randint(1, 9)}.{r.randint(0, 19)}.{r.randint(0, 9)}", taken)


def sprint(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a sprint's name."""
    return of_split(rng, split, lambda r: f"{r.choice(_TEAMS)} Sprint {r.randint(2, 60)}", taken)


def issue_type(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw the name of an issue type that only some projects have."""
    return choose(rng, split, ISSUE_TYPES, taken)


def subtask_type(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw the name of a sub-task type, which nobody guesses."""
    return choose(rng, split, SUBTASK_TYPES, taken)
