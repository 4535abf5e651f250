"""Laws of answers about listed keys: one key or the right number is asserted, and no other."""

import pytest

from envs.claims.listed import Choice, Count

KEYS = ("QQ-1", "AB-2", "Z9-33")
CHOICES = """\
{c}
ab-2
"{c}"
**{c}**
It is "{c}".
It's {c}.
That is {c}.
The answer is {c}.
{c} belongs to project AB.
The issue {c} is in project AB.
The one in project AB is {c}.
{c} has the highest number.
{c} has the highest number of all.
The key with the highest number is {c}.
The last key is `{c}`.
{c} comes first.
{c} stands in second place.
The second key in the list is {c}.
Sure! It is {c}. Let me know if you need anything else.
{c}. Anything else?
{c}, as requested.
{c}, not {a}
{c}, not {a} or {b}.
{c} (not {b})
{c} rather than {a}
{c}, rather than {a}
{c} rather than {a}
Of {a}, {c} and {b}, {c} has the highest number.
Among {a}, {c}, {b}: {c}
From the list {a}, {c}, {b}, the answer is {c}.
Answer: {c}
Project AB: {c}
I answer: {c}""".split("\n")
CHOICE_LIES = """\
{a}
{c} or {a}
{c}, {a}
{a}, not {c}
not {c}
It is not {c}.
It isn't {c}.
every one but {c}
all but {c}
any of them except {c}
any of them, {c}
all of them, {c}
both {c} and {a}
{c}?
Is it {c}
{c}, maybe
I think {c}
I guess {c}.
Probably {c}.
{c}, unless I am mistaken
{c} if the list is complete
It is one of {a}, {c} and {b}.
{a}, {c}, {b}
One of {a}, {c}, {b}
the one after {c}
the key before {c}
{c}, not {a}, is wrong
It used to be {c}.
It could be {c}.
anything but {c}
none of them, not even {c}
{c} and the others
AB-3
{c} and AB-3
{{"key": "{c}"}}
Done.
""".split("\n")
COUNTS = """\
3
3.
**3**
"3"
Three
three.
It is 3.
There are 3.
There are three issues.
There are 3 keys in the list.
The list has three tickets.
The one list has three keys.
The number of issues is 3.
3 issues are listed here.
I count 3 issues.
I counted them: 3.
The answer is 3.
Answer: three
Count: 3
Total = 3
In total, three.
3 issues in total.
These are three issues.
These are three (3) issues.
The request lists 3 keys: {a}, {c} and {b}.
There are 3 issues: {a}, {c}, {b}.
1. {a}@2. {c}@3. {b}@@That is three keys.
The list is 3 keys long.
Exactly 3.
3. Anything else?
Sure! There are 3 issues. Let me know if you need anything else.
It has length three.
{a}, {c} and {b} are three keys.""".split("\n")
"""Truthful counts; "@" is the end of a line."""
COUNT_LIES = """\
2
4
four
33
13
thirty three
three hundred
not 3
There are not 3 issues.
There aren't 3.
3 or 4
2, 3 or 4
3?
Are there 3
at least 3
more than 3
less than three
up to 3
about 3
~3
3+
-3
3.5
3/4
3,4
3:4
3 to 4
I think 3.
probably 3
3, maybe
It might be three.
If I counted correctly, 3
It was 3.
It used to be 3.
half of 3
3 others
which one
the one
There are 3: {a}, AB-7
{{"count": 3}}
1, 2, 3
{a}, {c}, {b}

3rd""".split("\n")
NAMES = {"c": "AB-2", "a": "QQ-1", "b": "Z9-33"}


@pytest.mark.parametrize("template", CHOICES)
def test_choice__the_key_alone_earns_all(template):
    claim, text = Choice("AB-2", KEYS), template.format(**NAMES)
    assert claim.score(text) == 1
    assert claim.score("It is not true that " + text) == claim.score(text + " I am not sure.") == 0
    assert claim.score(text.replace("AB-2", "@").replace("QQ-1", "AB-2").replace("@", "QQ-1").replace("ab-2", "x")) == 0


@pytest.mark.parametrize("template", CHOICE_LIES)
def test_choice__anything_else_earns_nothing(template):
    assert Choice("AB-2", KEYS).score(template.format(**NAMES)) == 0


@pytest.mark.parametrize("template", COUNTS)
def test_count__the_number_alone_earns_all(template):
    claim, text = Count(3, KEYS), template.format(**NAMES).replace("@", "\n")
    assert claim.score(text) == 1
    assert Count(4, KEYS).score(text) == 0
    assert claim.score("It is not true that " + text) == claim.score(text + " I am not sure.") == 0


@pytest.mark.parametrize("template", COUNT_LIES)
def test_count__anything_else_earns_nothing(template):
    assert Count(3, KEYS).score(template.format(**NAMES)) == 0
