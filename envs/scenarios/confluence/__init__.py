"""Families of tasks on Confluence, one file each."""

from envs.scenarios.confluence import create_page, label_page, move_page, page_from_facts, update_conflict, update_page

_FAMILIES = (create_page, label_page, update_page, move_page, page_from_facts, update_conflict)
SCENARIOS = tuple(family.SCENARIO for family in _FAMILIES)
