"""Families of tasks on Confluence, one file each."""

from envs.scenarios.confluence import (
    create_page,
    label_page,
    move_page,
    page_from_facts,
    update_conflict,
    update_page,
)

SCENARIOS = (
    create_page.SCENARIO,
    label_page.SCENARIO,
    update_page.SCENARIO,
    move_page.SCENARIO,
    page_from_facts.SCENARIO,
    update_conflict.SCENARIO,
)
