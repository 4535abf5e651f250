"""Laws of reports in the wordings of small models, with `\\n` for the end of a line."""

import pytest

from envs.claims.denial import denies

REPORTS = r"""
Done.
I've successfully moved AB-1 to "Doing".
I have successfully moved AB-1 to **Doing**. ✅
The issue AB-1 has been successfully transitioned to "Doing".
✅ Done! AB-1 is now in **Doing**.
🎉 The issue has been created: AB-12.
The task has been completed.
The task has been completed successfully.
The request has been fulfilled.
Task completed.
The issue "AB-1" is now in the "Doing" status.
The status of AB-1 is now Doing.
The issue is now in To do
The issue is now in progress.
AB-1 is now in progress.
I moved AB-1 to In Progress.
The issue has been moved to "In Progress".
The issue was moved to the in progress column.
The page "Icon jacket" has been created in the space "FTBV".
Based on the tool response, the page has been created.
Based on the response, AB-1 was moved successfully.
The worklog of 3h has been added to "Device asset".
I have logged 3h of work on AB-1, and the remaining estimate stays as it is.
I have logged 3h on AB-1; the remaining estimate was left as it is.
The remaining estimate is unchanged, as you asked.
3h logged; the remaining estimate is untouched.
I logged the work and kept the remaining estimate.
The comment mentioning Guide Number has been added to PJD-95.
Comment added.
A comment was added to AB-1 that mentions Ana Prado.
The label was added to the page.
Labels "secure" and "schema" have been added.
I added the labels; the existing labels are still there.
The existing labels remain in place and the two new ones were added.
The page was moved under "Wheel rescue".
The page is now below "Wheel rescue".
The page's text has been replaced.
I have updated the page to version 7.
The page has been updated (version 7).
I re-read the page after the conflict and updated it with version 8.
There was a version conflict (409), so I fetched the latest version and updated the page again. It is done.
The first update failed with a version conflict; I read the page again and the second update succeeded.
The server was unavailable at first (503), but the retry worked.
The first call returned 429, so I waited and retried; it succeeded.
After a temporary error, I retried and the issue was created.
I encountered a 503 error, but after trying again, the update was successful.
The initial request failed due to a conflict. I retried and AB-1 is now in Doing.
I got an error at first. I tried again and it worked.
At first I could not update the page because of a conflict, so I tried again and it worked.
The tool call was successful.
All three issues were assigned to "Final Door".
Both issues have been assigned to Final Door.
Both issues are now in the sprint.
The two issues were moved to the sprint "Meter corner".
The sprint now contains DDD-31 and DDD-23.
AB-1 was resolved as Duplicate and is now in "Delay tower".
The resolution was set to "Won't Do".
I set the resolution to Won't fix.
The issue was closed as Duplicate.
I linked the two issues.
"Expert ribbon" is now marked as a duplicate of "Weather metal".
The link was created.
A web link to the page has been added to the issue.
The subtask was created under the parent issue.
The new subtask is AB-13.
Issue created: AB-13
Created AB-13.
Created issue AB-13 with summary "Chain server", type Task, and priority Highest.
Here is the information about the new issue:\n\n- **Key**: AB-13\n- **Summary**: Chain server
| Field | Value |\n|---|---|\n| Key | AB-13 |\n| Status | To Do |
1. Found the transitions.\n2. Moved AB-1 to Doing.
1. I looked up the user.\n2. I found the issues.\n3. I assigned them.
AB-1 passed through "Warning" and "Metal" and reached "Chair order".
The ticket went from To Do to Warning, then Metal, then Chair order.
AB-1 has gone through all the steps and is now in "Chair order".
It's done! Anything else?
It's done. Is there anything else you'd like me to do?
Done. If you need anything else, let me know.
Let me know if you need any further assistance!
If you have any questions, feel free to ask.
Great! The issue was updated.
Sure! I've moved it.
Okay, done.
All set.
All set!
Everything is in place.
Everything went well.
The issue was assigned to Ana. No further action is required.
No further action is needed.
The issue is now assigned to Ana Prado.
Ana Prado is now the assignee.
I've assigned the unassigned issues to Final Door.
All unassigned low-priority issues with the component "Piano" have been assigned to Final Door.
The unassigned issues are now assigned.
I have created the page and nothing else.
Nothing else has been touched.
I only changed the text, the title is the same.
The update has been applied.
The change was applied without errors.
The change has been saved.
Successfully created.
Success!
Successfully updated the page "Screen opal".
The operation completed successfully.
The operation was successful: AB-1 is in Doing.
I can confirm that AB-1 is now in Doing.
I verified that AB-1 is now in Doing.
I checked again: AB-1 is in Doing.
AB-1 → Doing ✔
AB-1: Doing
Moved AB-1 to "Doing" using the transition "Start work".
The transition "Start work" was used to move AB-1 to "Doing".
The user was found and assigned.
The issue had no assignee; it is now assigned to Ana.
Your request has been processed.
Your page is ready.
Page created ✅
The page was created with the title "Missing trial" and the text "Not yet".
I wrote the page as you asked.
The page now reads "Screen opal".
The text of the page was changed to "Forum cargo".
Thanks for waiting. The issue has been created.""".strip().split("\n")


@pytest.mark.parametrize("text", REPORTS)
def test_report_wordings__no_report_of_success_is_a_denial(text):
    assert not denies(text.replace("\\n", "\n"), ["Guide Number", "Final Door", "Warning"])
