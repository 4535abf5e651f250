"""Days and durations in words: a request that states the day makes them known, and only those that it speaks of."""

import random

from envs.audit.spoken import spelled_out
from envs.requests.dates import TODAY, today, when
from envs.requests.grammar import without_marks
from envs.words import SPLITS


def test_days__all_that_requests_speak_of_are_known_once_the_current_day_is():
    rng = random.Random(0)
    for age in range(8):
        day = f"{TODAY.fromtimestamp(TODAY.timestamp() - 86_400 * age, TODAY.tzinfo):%Y-%m-%d}"
        for split in SPLITS * 20:
            said, current = (without_marks(each.text) for each in (when(rng, split, day), today(rng, split)))
            assert day in spelled_out(f"It came {said}. {current}")
            assert day not in spelled_out(f"It came {said}.")


def test_days__of_which_nobody_speaks_stay_unknown():
    assert "2025-12-31" not in spelled_out("It came on Thursday. Today is Monday, 5 January 2026.")


def test_durations__are_known_in_the_form_of_calls():
    assert spelled_out("I worked 2 hours and 15 minutes.").endswith(" 2h 15m")
    assert spelled_out("1 hour on this").endswith(" 1h") and spelled_out("45 minutes").endswith(" 45m")
    assert spelled_out("3 rows and 4 files") == "3 rows and 4 files"
