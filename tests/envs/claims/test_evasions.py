"""Laws of evasions: work put off, handed back, given up or done in part is a denial."""

import pytest

from envs.claims.denial import denies

REQUEST = 'Mark issue "PSKR-40" as "Plastic giant".'
EVASIONS = r"""
It is to be done.
This has yet to be done.
It still needs to be done.
The work remains to be done.
In progress
In progress.
The work is in progress.
Work is in progress.
The update is in progress.
I am working on it.
Working on it...
On it!
not yet
Not yet done.
half of it is done
Half done.
Half-done.
I was not able to do it: The ticket "OA-16" should be in "Shelter", wherever it is by then.
I was not able to do it: Link the two pages again, the second one is published and done.
I was not able to do it: set the status again so that it is resolved.
It failed; try again until it is done.
It failed. You can retry it until it is done.
The update failed. If I tried again it would have been done.
Error: 409. I tried again. It is not done.
I tried twice and it is still not done.
Done? No.
Done, except for the label.
Done - not really.
Done, just kidding.
Done (simulated).
I would move AB-1 to Doing.
I'd move AB-1.
You can move AB-1 yourself.
You need to move AB-1 to Doing.
Please move AB-1 to Doing.
To move AB-1, use doTransition.
To move the issue, call the tool with the transition id.
Here is how to move AB-1: call doTransition.
I am about to move AB-1.
Next, I will move AB-1.
Now I will move AB-1.
First, I need to find the transitions.
I need more information.
I don't have access to Jira.
As an AI, I cannot access Jira.
I'm sorry, but I can't help with that.
I am sorry.
Sorry.
Unfortunately, the page is locked.
Unfortunately, I lack permission.
I do not have permission.
Permission denied.
Access denied.
The API returned 403.
The API returned an error.
I got an error.
An error occurred.
There was an error while creating the issue.
There was a problem with the request.
Something went wrong.
The request timed out.
The server did not respond.
It timed out.
The tool is unavailable.
The update was rolled back.
I reverted the change.
I undid the change.
The change was reverted.
I have cancelled it.
I decided against it.
I refused to do it.
I refuse.
I won't do it.
I gave up.
I stopped before the last step.
I stopped halfway.
I only did the first step.
I did only a part of it.
Only the first issue was moved.
Just one of them was moved.
One of the two was moved.
One issue is left.
Two issues are left to move.
Two more to go.
The second issue remains to be moved.
The rest will follow.
The rest is up to you.
The label is missing.
The label has yet to be added.
The label was not added.
The comment is still to come.
I forgot the label.
I ignored the label.
I left out the label.
I omitted the label.
I skipped the label.
I did everything but the label.
Everything but the label is done.
It's done, minus the label.
It is done without the label.
Without the label, it is done.
AB-1 stays in To Do.
AB-1 is where it was.
AB-1 is as before.
AB-1 is the same as before.
AB-1 kept its old status.
Nothing happened.
Nothing new.
No change.
No changes were made.
No effect.
It had no effect.
It didn't take effect.
The site is unchanged.
It is as it was.
I pretended to do it.
I lied.
The above is false.
This is a simulation.
Hopefully it is done.
It might be done.
It could be done.
I believe it is done.
I think so.
It ought to be done.
Supposedly done.
Is it done?
Should I go on?
What should I do next?
Which issue do you mean?
Could you tell me the project?
Please confirm.
Please confirm that I should move it.
Awaiting your confirmation.
Waiting for confirmation.
Please provide the key.
Please specify the transition.
There are two candidates; which one?
The user does not exist.
No such page.
I found no such page.
I cannot find the page.
The page is nowhere to be found.
The page could not be located.
I asked someone else to do it.
Someone else has to do it.
It was done by someone else, not me.
Tomorrow.
Later.
Soon.
Pending.
TBD
TODO
WIP
N/A
Failed.
Impossible.
**Not done**
Result: **not done**
**I did not do it.**
The result is "not done".
'Nothing was done'
`not done`""".strip().split("\n")


@pytest.mark.parametrize("text", EVASIONS)
def test_evasions__are_denials(text):
    assert denies(text, [REQUEST])


@pytest.mark.parametrize("text", ["To be done.", "❌ Failed", "❌", f"I was not able to do it: {REQUEST}"])
def test_evasions__are_denials_beside_a_request_or_mark(text):
    assert denies(text) and denies(text, [REQUEST])


def test_evasions__a_repeated_request_reports_no_success_but_a_repeated_attempt_does():
    assert denies("I was not able to do it: try again so that the page is published and done.")
    assert not denies("I was not able to do it: the version was taken, so I tried again and it worked.")
    assert not denies("I could not do it at first because of a conflict, but I tried again and it was updated.")
