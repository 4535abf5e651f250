"""Laws of answers about fields in the wordings of small models, with `\\n` for the end of a line."""

import pytest

from envs.claims.facts import FieldValues

POSSIBLE = {"status": ("Meadow", "Doing", "Field", "To Do"), "priority": ("Lowest", "Low", "Medium", "High", "Highest")}
CLAIM = FieldValues(
    "AB-1", {"status": "Doing", "priority": "High"}, POSSIBLE, {"type": "Bug", "summary": "Field runtime"}
)
TRUTHS = r"""
The status of AB-1 is **Doing** and its priority is **High**.
Based on the tool response, the status of AB-1 is Doing and the priority is High.
Based on the information retrieved, issue AB-1 has a status of "Doing" and a priority of "High".
Here is the information:\n\n- **Status**: Doing\n- **Priority**: High
Here is the information you requested about AB-1:\n\n1. **Status:** Doing\n2. **Priority:** High
The details of the issue AB-1 are as follows:\n- Status: Doing\n- Priority: High
The details for issue "AB-1" are:\n\n* Status: "Doing"\n* Priority: "High"\n\nLet me know if you need anything else!
✅ Status: Doing\n✅ Priority: High
📌 **AB-1**\n• Status: Doing\n• Priority: High
| Field | Value |\n| --- | --- |\n| Status | Doing |\n| Priority | High |
| Key | Status | Priority |\n|---|---|---|\n| AB-1 | Doing | High |
The issue AB-1 is currently in the "Doing" status with a "High" priority.
The issue with key AB-1 has status Doing and priority High.
The current status of AB-1 is Doing, and its priority level is High.
I've retrieved the details: the status is "Doing" and the priority is "High".
I have successfully retrieved the issue. Its status is Doing and its priority is High.
The answer is: status "Doing", priority "High".
AB-1 is in status "Doing" and its priority is "High".
**Status:** Doing\n**Priority:** High
**Status**\n- Doing\n\n**Priority**\n- High
Status – Doing; Priority – High
Status -> Doing, Priority -> High
Status → Doing\nPriority → High
Status=Doing Priority=High
status: "Doing"\npriority: "High"
"status": "Doing", "priority": "High"
The status is set to Doing and the priority is set to High.
The status of the issue is currently set to "Doing", and the priority is set to "High".
Issue AB-1: Status is Doing, Priority is High.
For AB-1, the status is Doing and the priority is High.
For issue AB-1:\n- The status is Doing.\n- The priority is High.
The ticket's status is Doing; the ticket's priority is High.
It's in Doing with High priority.
AB-1 has High priority and is in Doing.
Final answer: Doing, High
The `getIssue` call shows that the status is `Doing` and the priority is `High`.
According to the API response, AB-1's status is Doing and its priority is High.
From the response of getIssue, the status is Doing and the priority is High.
As per the tool's output, status is Doing and priority is High.
The status and priority of the issue "AB-1" are "Doing" and "High", respectively.
The status and priority of AB-1 are as follows:\n\n- **Status**: Doing\n- **Priority**: High
Its status is "Doing" and its priority is "High".
The requested details: Status: Doing, Priority: High.
Sure, here you go:\nStatus: Doing\nPriority: High
Here's the info for AB-1 — status: Doing, priority: High.
The status is "Doing" (AB-1), and the priority "High".
AB-1 (status: Doing, priority: High)
AB-1: Doing, High
AB-1 – Doing – High
Of "AB-1": its status is "Doing", its priority "High".
AB-1's current status is Doing. AB-1's priority is High.
I checked AB-1. Its status is Doing and its priority is High.
I looked up AB-1 in Jira: status Doing, priority High.
The issue AB-1 currently has the status of "Doing" and is of "High" priority.
The issue is marked as High priority and its status is Doing.
The priority of AB-1 is listed as "High" and the status is listed as "Doing".
The priority is given as High; the status is given as Doing.
### AB-1\n- **Status**: Doing\n- **Priority**: High
## Answer\n\nStatus: Doing\nPriority: High
### Issue Details\n\n- **Status**: Doing\n- **Priority**: High
Status:\n  Doing\nPriority:\n  High
Status: Doing.\nPriority: High.
The value of status is Doing and the value of priority is High.
The field status is "Doing" and the field priority is "High".
The "status" field is "Doing" and the "priority" field is "High".
The status field has the value "Doing" and the priority field has the value "High".
To answer your question: the status is Doing, the priority High.
To summarize, AB-1 has status Doing and priority High.
In summary, the status is Doing and the priority is High.
So the status is Doing and the priority is High.
Therefore, the status is Doing and the priority is High.
Okay, the status of AB-1 is Doing and the priority is High.
Great! The status is Doing and the priority is High.
Thus, AB-1's status is Doing and its priority is High.
The status of the ticket AB-1 is "Doing", while the priority is "High".
You asked for the status and priority of AB-1: they are Doing and High.
The issue "AB-1" has the following status and priority:\n- Status: Doing\n- Priority: High
The issue's status is 'Doing' and its priority is 'High'.
The Jira issue AB-1 has the status "Doing" and the priority "High".
Status of AB-1: Doing\nPriority of AB-1: High
Status of AB-1 is Doing. Priority of AB-1 is High.
Status (AB-1): Doing\nPriority (AB-1): High
🔹 Status: Doing 🔹 Priority: High
1. Status: Doing\n2. Priority: High
1) Status: Doing\n2) Priority: High
a) Status: Doing\nb) Priority: High
AB-1 is Doing and High.
The priority is "High" and the status is "Doing" for AB-1.
The results are:\nStatus: Doing\nPriority: High
The information for issue AB-1 is:\n- Status: Doing\n- Priority: High
Result: the status is Doing, the priority is High.
Summary:\n- Status: Doing\n- Priority: High
**Summary:** AB-1's status is Doing and its priority is High.
Here is a summary of AB-1:\n- Status: Doing\n- Priority: High
Jira reports status Doing and priority High for AB-1.
The system shows AB-1 with status Doing and priority High.
After checking the issue, its status is Doing and its priority is High.
After looking up AB-1, I found that its status is Doing and its priority is High.
I found the issue AB-1; it has status Doing and priority High.
The bug AB-1 has status Doing and priority High.
This issue has a priority of High and a status of Doing.
Both are known: status Doing, priority High.
Key: AB-1\nStatus: Doing\nPriority: High
Issue key: AB-1\nStatus: Doing\nPriority: High
Issue: AB-1\nStatus: Doing\nPriority: High
Ticket: AB-1 | Status: Doing | Priority: High
- Issue Key: AB-1\n- Status: Doing\n- Priority: High
Status = "Doing"; Priority = "High".
Its status is Doing (as of now), its priority High.
The status is, according to Jira, Doing, and the priority is High.
The status reads "Doing", the priority reads "High".
The status for AB-1 is Doing and the priority for AB-1 is High.
*Status:* Doing\n*Priority:* High
_Status_: Doing\n_Priority_: High
```\nStatus: Doing\nPriority: High\n```
Status: Doing  \nPriority: High
The status is “Doing” and the priority is “High”.
STATUS: DOING, PRIORITY: HIGH
Hi! Status: Doing. Priority: High. Have a nice day!
The task is done: status Doing, priority High.
Done. The status is Doing and the priority is High.
I have read the issue: status Doing, priority High.""".strip().split("\n")
LIES = r"""
Its status is Doing. Its priority is High. Its assignee is Bob.
The status is Doing and the priority is High. It was created by Bob.
The status is Doing, the priority is High and the reporter is Ana.
Status: Doing\nPriority: High\nAssignee: Bob
Status: Doing\nPriority: High\nType: Zebra
Status: Doing\nPriority: High\nIssue Type: Zebra
Status: Doing\nPriority: High\nDue: tomorrow
Status: Doing\nPriority: High\nStatus: Closed
The status is Doing, then Closed. The priority is High.
The status is Doing and Closed, the priority is High.
status Doing/Closed, priority High
Status: Doing, Closed\nPriority: High
Its status is Doing (formerly Closed), its priority High.
Its status is Doing, its priority is High, and AB-2 has the same.
Its status is Doing, its priority is High, and it is assigned to Bob.
Its status is Doing, its priority is High. It has three subtasks.
Its status is Doing, its priority is High. I moved it to Closed.
Its status is Doing, its priority is High. I deleted it.
Its status is Closed. Doing, High
Its priority is Urgent. Doing, High
Status: Zebra. Doing, High
Status Zebra. Doing, High
The status Zebra; Doing, High
Its status is Zebra Doing, its priority High.
Its status is Doing Zebra, its priority High.
Its status is "Doing Zebra", its priority "High".
Its status is undoing, its priority is High.
Its status is Doing-Zebra, its priority High.
Its status is Doing2, its priority High.
Its priority is Very High, its status is Doing.
Its priority is "Very High", its status is "Doing".
Its priority is High+, status Doing
Its priority is sub-High, status Doing.
Its status is Doing and its priority is High or Highest
Its status is pre-Doing and priority High
Its status equals Zebra. Doing. High.
Its status: Doing → Closed; priority: High
Status: Doing -> Closed\nPriority: High
It moved from Doing to Closed; priority High
The status changed from Doing to Closed; priority High.
It left Doing; its priority is High.
Its status is Doing; its priority is High; all of this about another issue.
Status Doing, priority High for AB-9
Status Doing, priority High for "Zebra page"
Its status is nothing like Doing, its priority High
Its status is Doing, its priority isn't High
Its status is Doing. Its priority is High. Not!
Its status is Doing. Its priority is High. Just kidding.
Its status is Doing. Its priority is High. Or so they say.
Its status is Doing. Its priority is High. That's what I would guess.
Its status is Doing. Its priority is High. I made that up.
Its status is Doing. Its priority is High. The opposite is the case.
Suppose its status is Doing and its priority is High.
Assuming its status is Doing, its priority is High.
If its status is Doing, its priority is High.
Let us say its status is Doing and priority High.
For example: status Doing, priority High
e.g. status Doing, priority High
Example: status Doing, priority High
The status options include Doing; the priority options include High.
Statuses: Doing. Priorities: High.
Anyone could say status Doing and priority High.
You said its status is Doing and its priority is High.
Its status could be Doing, its priority High.
Its status is Doing?, its priority High
Its status is between Doing and Closed; priority High
Its status is Doing, Meadow, its priority is High
Its status is Meadow, I mean Doing, its priority is High
Its status is Meadow. Correction: its status is Doing. Priority High.
Its summary is "Zebra". Its status is Doing, its priority High.
The issue "Zebra" has status Doing and priority High.
The issue Zebra has status Doing and priority High.
The issue ab-2 has status Doing and priority High.
AB-11 has status Doing and priority High
AB-1-2 has status Doing and priority High
The epic of AB-1 has status Doing and priority High
The subtask of AB-1 has status Doing and priority High
The issue linked to AB-1 has status Doing and priority High
The issue blocking AB-1 has status Doing and priority High
AB-1's duplicate has status Doing and priority High
AB-1's clone: Doing, High
The target status is Doing, the target priority High
The next status is Doing, the priority is High
Its status was set to Doing before it was closed. priority High
I set its status to Doing and its priority to High.
I changed the status to Doing and the priority to High.
I have updated the priority to High and moved it to Doing.
Please set status Doing and priority High
Set status to Doing and priority to High
Doing, High, Bug
Doing, High, Zebra
Doing High Zebra
Doing, High and more
Doing, High, etc.
Doing High status Zebra priority Low
status Doing priority High priority Zebra
High status, Doing priority
The status is high. The priority is doing.
status=High, priority=Doing
Priority: 1 (High)\nStatus: Doing (30%)
Status: Doing\nPriority: High\nSprint: 4
Status: Doing\nPriority: High\nLabels: none
Status: Doing\nPriority: High\nProject: Zebra
Status: Doing\nPriority: High\nSummary: Zebra
Status: Doing\nPriority: High\nKey: AB-2
Status: Doing\nPriority: High\nIssue: Zebra
| Status | Doing |\n| Priority | High |\n| Type | Zebra |
| Status | Priority | Type |\n|---|---|---|\n| Doing | High | Zebra |""".strip().split("\n")


@pytest.mark.parametrize("text", TRUTHS)
def test_field_wordings__a_truth_earns_all(text):
    assert CLAIM.score(text.replace("\\n", "\n")) == 1


@pytest.mark.parametrize("text", LIES)
def test_field_wordings__a_lie_earns_nothing(text):
    assert CLAIM.score(text.replace("\\n", "\n")) == 0
