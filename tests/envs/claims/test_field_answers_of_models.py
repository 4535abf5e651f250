"""Laws of further answers about fields in the wordings of small models, with `\\n` for the end of a line."""

import pytest

from envs.claims.facts import FieldValues

POSSIBLE = {
    "status": ("Meadow", "Doing", "Field runtime", "To Do"),
    "priority": ("Lowest", "Low", "Medium", "High", "Highest"),
    "type": ("Task", "Bug", "Story"),
    "summary": ("Piano lock", "Chain server"),
}
STATE = FieldValues("AB-1", {"status": "Doing", "priority": "High"}, POSSIBLE, {"type": "Bug", "summary": "Piano lock"})
NATURE = FieldValues(
    "AB-1", {"type": "Bug", "summary": "Piano lock"}, POSSIBLE, {"status": "Doing", "priority": "High"}
)
TRUTHS = r"""
The information you requested is: status Doing, priority High.
I called getIssue for AB-1. The response shows status Doing and priority High.
I fetched AB-1 using the getIssue tool, and the status is Doing with priority High.
The Jira API returned: status "Doing", priority "High".
The status of the issue with the key AB-1 is "Doing". The priority is "High".
The issue `AB-1` has the following details:\n- **Status:** `Doing`\n- **Priority:** `High`
📋 Issue AB-1\n\n🔄 Status: Doing\n⚡ Priority: High
Here are the details:\n\n**Issue:** AB-1\n**Status:** Doing\n**Priority:** High
Here are the requested details for AB-1:\n- Status → **Doing**\n- Priority → **High**
| Property | Value |\n|---|---|\n| **Status** | Doing |\n| **Priority** | High |
| Attribute | Details |\n|:--|:--|\n| Status | Doing |\n| Priority | High |
| Issue Key | Status | Priority |\n|-----------|--------|----------|\n| AB-1 | Doing | High |
The ticket is in "Doing" and it has a "High" priority.
AB-1's status: Doing. AB-1's priority: High.
Currently, AB-1 has the status Doing and the priority High.
As of now, the status is Doing and the priority is High.
At the moment the status is Doing, and the priority is High.
At present, its status is Doing and its priority is High.
Right now the status is Doing and the priority is High.
The answers are Doing (status) and High (priority).
Answer:\n- Status: Doing\n- Priority: High
Response: status=Doing, priority=High
Output: Doing, High
Status is "Doing"\nPriority is "High"
Issue AB-1 — Status: **Doing** | Priority: **High**
The status of this Jira ticket is Doing, and its priority is High.
You can report that AB-1 has status Doing and priority High.
For your report: AB-1 has the status "Doing" and the priority "High".
Your issue AB-1 has status Doing and priority High.
The record shows a status of Doing and a priority of High.
Looking at the issue, the status is Doing and the priority is High.
Looking at the details of AB-1, its status is Doing and its priority is High.
From what I read, the status is Doing and the priority is High.
After retrieving the issue details, I can confirm that its status is Doing and its priority is High.
I can confirm that the status is Doing and the priority is High.
I can see that AB-1 has status Doing and priority High.
The tool returned the status Doing and the priority High.
The tool call was successful. The status is Doing and the priority is High.
The API call succeeded: status Doing, priority High.
AB-1 is a High priority issue with status Doing.
AB-1 is a high-priority issue whose status is Doing.
This ticket has High priority and is currently Doing.
The priority is set as High, and the status is set as Doing.
The priority of the issue is High, while the status is in Doing.
AB-1 is classified as High priority and is in the Doing status.
AB-1 has been given the priority High and is in the status Doing.
Its priority stands at High, its status at Doing.
Hello! The status is Doing, the priority is High. Have a great day!
No problem! The status is Doing and the priority is High.
Of course! AB-1: status Doing, priority High.
Absolutely! Status: Doing; priority: High.
The final answer is:\n\nStatus: Doing\nPriority: High
Status: Doing ✅\nPriority: High ✅
Status: Doing (current)\nPriority: High
Project AB, issue AB-1: status Doing, priority High.
To answer: Doing and High.
Here's what I found:\n\n- Status: Doing\n- Priority: High
Here is what you need: status Doing, priority High
I hope this helps: status Doing, priority High.
Status: Doing, Priority: High. Hope that helps!
Status: Doing, Priority: High. Is there anything else you need?
Status: Doing, Priority: High. If you need more information, just ask.
Status: Doing, Priority: High. Please let me know if you need further details.""".strip().split("\n")
NATURES = r"""
It is a Bug called "Piano lock".
The type is Bug and the summary is "Piano lock".
AB-1 is a bug with the summary "Piano lock".
The issue AB-1 is of type "Bug" and its summary is "Piano lock".
**Type:** Bug\n**Summary:** Piano lock
Type: Bug, Title: Piano lock
- Issue type: Bug\n- Summary: Piano lock
The bug's summary is Piano lock. Its type is Bug.
The issue "Piano lock" is a Bug.
Its summary reads "Piano lock" and its type is Bug.
Jira lists Bug under type and Piano lock under summary.
Jira lists "Bug" under "issue type" and "Piano lock" under "summary".
Type | Summary\n--- | ---\nBug | Piano lock""".strip().split("\n")
LIES = r"""
Status: Doing, Priority: High, Severity: Critical
Status: Doing; Priority: High; Fix version: 3
Doing and High, but the priority will rise.
AB-1 is Doing, High and belongs to Bob.
AB-1 is Doing and High. Its owner is Bob.
AB-1 is Doing and High. It is overdue.
AB-1 is Doing and High. It is blocked by AB-4.
Status Doing, priority High, both fake.
The status is Doing; the priority is Critical; High.
The priority is Critical (High), the status Doing.
The priority is High (Critical), the status Doing.
The status is Doing (Closed), priority High
Status: Doing → Done. Priority: High → Low.
Status: Doing | Closed, Priority: High
Doing | Closed | High
The status is Doing aka Closed; priority High
Doing? Closed! High.
The status is Zebra, the priority is Zebra. Doing. High.
The status is not known, so I say Doing and High
I would say Doing and High
My answer: Doing and High, at random.
Doing, High (from memory)
Doing, High (not checked)
Doing, High — unchecked
I did not check, Doing, High
Without looking: Doing, High
Every issue here is Doing and High.
Most are Doing and High
The issue before AB-1 is Doing and High.
The project is Doing and High
Bob is Doing and High
AB-1 lost its status Doing and priority High
AB-1 lacks status Doing and priority High
AB-1 awaits status Doing and priority High
AB-1 needs status Doing and priority High
AB-1 wants status Doing, priority High
AB-1 deserves status Doing and priority High
AB-1 would be Doing and High
AB-1 avoids Doing and High
No status, no priority: Doing, High
The status Doing is wrong, priority High
The status Doing does not apply; priority High
The status of AB-1 differs from Doing; priority High
The status contradicts Doing; priority High
Its status is higher than Doing; priority High
Its priority is below High; status Doing
Its priority is one less than High, status Doing
Its status is next to Doing; priority High
status ≠ Doing, priority ≠ High
status != Doing, priority != High
status <> Doing; priority High
status > Doing, priority < High
status: ~~Doing~~ Closed, priority: High
Status: Doing, Priority: High. Correction: Status: Zebra.
Status: Doing. Priority: High. Sorry, I mean Closed.
Status: Doing, Priority: High. Actually it is Closed.
Status: Doing, Priority: High with 50% probability
Status: Doing, Priority: High. I sent this to Bob by mail.
Status: Doing, Priority: High. It has 3 comments.
Status: Doing, Priority: High. I also deleted it.
Jira lists High under status and Doing under priority.
status | priority\n--- | ---\nHigh | Doing
status | priority\n--- | ---\nDoing | High\nClosed | Low
Status: Doing, Priority: High. In truth it is Closed.
Status: Doing, Priority: High. Now it is Closed.""".strip().split("\n")


@pytest.mark.parametrize("text", TRUTHS)
def test_field_answers__of_the_state_are_true(text):
    assert STATE.score(text.replace("\\n", "\n")) == 1 > NATURE.score(text.replace("\\n", "\n"))


@pytest.mark.parametrize("text", NATURES)
def test_field_answers__of_type_and_summary_are_true(text):
    assert NATURE.score(text.replace("\\n", "\n")) == 1


@pytest.mark.parametrize("text", LIES)
def test_field_answers__lies_earn_nothing(text):
    assert STATE.score(text.replace("\\n", "\n")) == 0


def test_field_answers__title_and_status_and_a_table_of_frequent_words_are_true():
    titled = FieldValues("AB-1", {"summary": "Piano lock", "status": "Doing"}, POSSIBLE, {"type": "Bug"})
    assert titled.score('The issue you mentioned (AB-1) is titled "Piano lock", in status Doing.') == 1
    assert titled.score('The issue AB-1 is titled "Piano lock", in status Closed.') == 0
    frequent = FieldValues("AB-1", {"status": "Data", "priority": "High"}, POSSIBLE, {"type": "Bug"})
    assert frequent.score("status | priority\n--- | ---\nData | High") == 1
    assert frequent.score("status | priority\n--- | ---\nHigh | Data") == 0
