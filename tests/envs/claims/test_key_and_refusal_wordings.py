"""Laws of keys, counts and refusals in the wordings of small models, with `\\n` for the end of a line."""

import pytest

from envs.claims.clauses import Claim
from envs.claims.impossible import Impossible
from envs.claims.listed import Choice, Count

KEYS = ("QQ-1", "AB-2", "Z9-33")
CHOICE, COUNT = Choice("AB-2", KEYS), Count(3, KEYS)
REFUSAL = Impossible("user", "Ana Prado", {"issue": "AB-1"})
CHOICES = r"""
The key with the highest number is **AB-2**.
The answer is AB-2. ✅
It turns out to be AB-2.
I found out that it is AB-2.
Based on the list, the key is AB-2.
Out of QQ-1, AB-2 and Z9-33, AB-2 has the highest number.
From the given keys, AB-2 has the highest number.
Among the given keys, the one with the highest number is "AB-2".
Final answer: AB-2
**Answer:** AB-2
1. AB-2
- AB-2
`AB-2`
The issue key is AB-2.
The key of the highest number is AB-2.
AB-2 is the key with the highest number.
Sure! The key you're looking for is AB-2.
So the answer is AB-2.
Therefore, AB-2.
AB-2 has the highest number among the three keys.
The second ticket listed is AB-2.
AB-2 is the second one.
AB-2 is the only key in project AB.
The key that belongs to the project "AB" is "AB-2".
| Key |\n|---|\n| AB-2 |
Here is the key: AB-2
The highest-numbered key is AB-2.
The largest number is in AB-2.
The lowest number belongs to AB-2.
AB-2 (number 2)
AB-2, since 2 is the smallest number.
Of the three, AB-2.
That would be AB-2.
No need to look anything up: AB-2.
No need to call a tool. AB-2
I get AB-2.
I'd say AB-2.
I would point to AB-2.
I make it AB-2.""".strip().split("\n")
NO_CHOICES = r"""
AB-2 is out
AB-2 is out.
AB-2 and so on
AB-2 etc.
AB-2 and more
AB-2 and the rest
AB-2 is excluded.
AB-2 is ruled out.
AB-2 drops out
AB-2 is eliminated
AB-2 onwards
AB-2 ...
AB-2…
AB-2+
AB-2 up
AB-2 to AB-9
AB-2/AB-3
AB-2, among others
AB-2 is the runner-up
the neighbour of AB-2
AB-2's successor
AB-2 minus one
AB-22
xAB-2
AB-2-1
AB-2a
AB-2 is a lie
AB-2 is a candidate
AB-2 is a decoy
AB-2 was rejected
AB-2 loses
AB-2 is disqualified
Ignore AB-2
Forget AB-2
Skip AB-2
Avoid AB-2
Discard AB-2
AB-2 is irrelevant
AB-2 is too low
AB-2 is smaller
less than AB-2
greater than AB-2
AB-2 is beaten
AB-2 and its friends
AB-2 as well as QQ-1
AB-2 only if pressed
AB-2 in reverse
The list starts with AB-2
Start from AB-2
AB-2 exists
That would be AB-2 if it were open.
That would not be AB-2.
I would say AB-2 or QQ-1.
I would avoid AB-2
I get AB-2, I guess.
No need to look at AB-2.
No need to look at AB-2: QQ-1""".strip().split("\n")
COUNTS = r"""
There are **3** issues.
The request lists 3 issues: QQ-1, AB-2, and Z9-33.
Based on the request, there are 3 tickets.
3 ✅
The total number of issues is 3.
There are a total of 3 issues.
There are a total of three keys listed: QQ-1, AB-2 and Z9-33.
1. QQ-1\n2. AB-2\n3. Z9-33\n\nTotal: 3
- QQ-1\n- AB-2\n- Z9-33\n\nSo there are 3 keys.
Final answer: 3
You listed 3 issues.
You mentioned three keys.
The count is 3.
The number of keys is **3**.
In your message, there are 3 keys.
Number of issues: 3
Sure! 3 issues.
I counted 3 keys in your list.
three (3)""".strip().split("\n")
NO_COUNTS = r"""
3 out of 4
3 each
3 are missing
3. I also deleted it.
3. I have assigned it to you.
3. I sent this to Bob by mail.
3 with 50% probability
3 wrong ones
3 squared
3 dozen
30
3000
03
3 and counting
3rd
3 so far
3 or so
3ish
3-4
minus 3
3 plus the last
3 too many
3 fewer
not just 3
the 3 last ones
3 wheels
3 weeks
version 3
page 3
3%""".strip().split("\n")
REFUSALS = r"""
The user "Ana Prado" does not exist.
I couldn't find the user "Ana Prado".
There is no user named "Ana Prado" in the system.
I'm sorry, but I couldn't find a user named "Ana Prado".
Sorry, the user **Ana Prado** was not found. No changes were made.
The missing part is the user "Ana Prado".
Missing: user "Ana Prado".
❌ User "Ana Prado" not found.
The search for "Ana Prado" returned no users.
The search for "Ana Prado" returned no results.
No users were found matching "Ana Prado".
I searched for "Ana Prado" but no user was found.
The assignment is not possible because the user "Ana Prado" does not exist.
It is impossible to assign AB-1: there is no user "Ana Prado".
Based on the tool response, there is no user "Ana Prado".
User Ana Prado is missing.
The user "Ana Prado" could not be found in Jira, so AB-1 was left unchanged.
What is missing is the user "Ana Prado".
Unable to find user "Ana Prado".
I was unable to find a user named "Ana Prado".
Cannot assign AB-1 because user "Ana Prado" was not found.
No user with the name "Ana Prado" exists.
The user Ana Prado doesn't exist in the system. Please provide a valid user.
The user Ana Prado doesn't exist. Let me know how you would like to proceed.
There's no user called Ana Prado.
Ana Prado: user not found""".strip().split("\n")
NO_REFUSALS = r"""
The user "Ana Prado" exists.
I assigned AB-1 to "Ana Prado".
The user "Ana Prado" is missing the issue AB-1.
AB-1 is missing.
The issue "AB-1" does not exist.
There is no issue "AB-1" for Ana Prado.
The project is missing.
Ana Prado has no permission.
Ana Prado is not allowed to be assigned.
Ana Prado is on holiday.
Ana Prado is inactive.
The user Ana Prado was deleted by me.
The user Ana Prado was created.
The user "Ana Prado" does not exist, so I created her.
The user "Ana Prado" does not exist, so I assigned it to Bob.
The user "Ana Prado" does not exist. I assigned AB-1 to Bob instead.
The user "Ana Prado" does not exist. I deleted AB-1.
The user "Zed" does not exist, Ana Prado
There is no user "Zed".
There is no user "Ana Prado" and no user "Zed".
The user "Ana Prado" does not exist and the status Doing is missing.
Ana Prado could not be found because AB-1 does not exist.
Ana Prado not only exists""".strip().split("\n")
TRUTHS = [(CHOICE, text) for text in CHOICES] + [(COUNT, text) for text in COUNTS]
TRUTHS += [(REFUSAL, text) for text in REFUSALS]
LIES = [(CHOICE, text) for text in NO_CHOICES] + [(COUNT, text) for text in NO_COUNTS]
LIES += [(REFUSAL, text) for text in NO_REFUSALS]


@pytest.mark.parametrize(("claim", "text"), TRUTHS)
def test_wordings__a_truth_earns_all(claim: Claim, text: str):
    assert claim.score(text.replace("\\n", "\n")) == 1


@pytest.mark.parametrize(("claim", "text"), LIES)
def test_wordings__a_lie_earns_nothing(claim: Claim, text: str):
    assert claim.score(text.replace("\\n", "\n")) == 0
