"""Laws of reports on what had to be done: failure, doubt and intent are denials, repeated attempts are not."""

import pytest

from envs.claims.denial import denies

REPORTS = """\
The first attempt failed with 409, so I read it again and retried; it is done now.
Done.

I moved AB-1 to Doing.
No problem, done.
Nothing else was changed.
I moved AB-1 to Doing. Nothing else was changed.
I moved AB-1 to "Not ready".
I created the page "Missing trial".
I moved AB-1 to No trial.
AB-1 is now in Doing.
All done! Let me know if you need anything else.
Done. Is there anything else I can help you with?
The update conflicted at first (409), but after reading the new version I tried again and it worked.
AB-1 is no longer in To Do; it was moved to Doing.
I assigned AB-1 to Ana Prado without any problems.
No other issue was touched. AB-1 is done.
I have set the status of AB-1 to Doing and did not change anything else.
The issue has been created successfully as AB-12.
Completed without errors.
The request failed once with 429; I retried and it succeeded.
The other fields remain unchanged.
I logged 2h on AB-1.
It is done. You will find it in the space QQ.
There was a conflict, so I read the page again and updated it.
OK
Moved.
The page was published under Missing trial, no further steps are needed.
Yes, it is done.
Sorry for the delay, it is done.
Do not hesitate to ask if you need more help. AB-1 was moved.
The conflict was resolved and the page updated.
I left everything else untouched.
It is done with no errors.
Done. That should be all.
That should be it.
Done. That should be all for now.
The page was published. It should be visible to everyone now.
The change should now show up on the board.
It should appear in the list after a refresh.
It may take a few minutes to appear.
The update went through. You may need to refresh the page to see it.
You should now see it on the board.
You might have to reload the page.
Done: nothing more is needed from your side.
Nothing else is required from you.
There is nothing more to do.
You don't need to do anything else.
Per your correction, I used the later value.
I took the later date.
I ignored the quoted mail, as it asks for nothing.
I ignored the quoted mail as it asks for nothing.
I ignored the forwarded message because it has nothing to do with the request.
The quoted thread was ignored.""".split("\n")
DENIALS = """\
I have not done it.
I could not move it.
Sorry, there is no such transition.
Nothing was changed.
I will do it later.
Shall I do it?
Shall I do it
shall i do it
It may have worked.
It should be done now.
I think it is done.
No.
Not yet.
I was unable to move AB-1.
It failed.
The move failed with 409.
AB-1 could not be moved to Doing.
I moved AB-1, but I could not set the priority.
I could not set the priority, but I moved AB-1.
Only partly done.
Half of it is done.
I'll move it tomorrow.
I am going to move AB-1.
Do you want me to move it?
The issue does not exist.
It is impossible.
AB-1 is still in To Do.
AB-1 remains in To Do.
The transition is missing.
It was rejected with an error.
I tried to move AB-1.
It is probably done.
I have done nothing.
Nothing has been done yet.
I need to move it first.
The change will be made soon.
Everything except the label is done.
I retried but it failed again.
I never did it.
I can't do that.
I can not do that.
I moved it, I guess.
I'm not sure whether it worked.
It wasn't done.
I didn't create the issue.
Let me move it now.
The task can be done by moving it.
Please tell me if I should move it.
The first attempt failed. I did not retry.
"I could not do it."
It is not true that it is done.
I skipped it.
I could not move it due to an error.
I could not do it without further information.
Everything else failed.
It failed with more errors.
The change is not needed.
No action is needed.
That should be done.
It should be visible once it is done.
It should be visible after I move it.
The move may have failed.
It needs to be done.
I ignored your request.
I ignored the request in the mail.
I ignored the quoted request.
You should move it.
You may need to do it yourself.
You should see to it that it is moved.
You may need to refresh the page and try again.
It should be visible, but it is not.
The update should have gone through.
Nothing more was done.
I will use the later value.
I used the later value, but it failed.
I will do it at a later date.
That should be all you need to do it.
The page may appear unchanged.
You might see no change.
It may take a few minutes to complete.
You have to do it by hand.
Nada.
Zero issues exist now.""".split("\n")


@pytest.mark.parametrize("text", REPORTS)
def test_denies__no_report_of_success(text):
    assert not denies(text)


@pytest.mark.parametrize("text", DENIALS)
def test_denies__failure_doubt_intent_and_questions(text):
    assert denies(text)


@pytest.mark.parametrize("text", DENIALS)
def test_denies__whatever_success_is_claimed_before(text):
    assert denies("I moved AB-1 to Doing. " + text)


@pytest.mark.parametrize("value", ["Not ready", "No trial", "may or may not", "failed missing", "if unsure"])
def test_denies__names_of_the_request_claim_nothing(value):
    assert not denies(f"I moved AB-1 to {value}.", [value]) and not denies(f'I moved AB-1 to "{value}".')
    assert denies(f"I could not move AB-1 to {value}.", [value])
