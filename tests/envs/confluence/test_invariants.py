"""Invariants of a Confluence site, checked after each of a random sequence of writes."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.envs.confluence.site import TEXT, site

ANY = st.integers(0, 5)
TITLES = st.sampled_from(["Handbook", "Plan", "Notes", "Aa home", ""])
LABELS = st.sampled_from(["red", "Blue", "a b", ""])


class Site(RuleBasedStateMachine):
    """Random calls on existing pages, including those in the trash."""

    def __init__(self) -> None:
        super().__init__()
        self.simulator = site()
        self.writes: dict[str, int] = {}

    def call(self, name, **arguments):
        """Make a call and check what holds for every call."""
        before, clock = self.simulator.world.digest(), self.simulator.world.now_ms
        response = self.simulator.call(name, arguments)
        json.dumps(response.body)
        if not response.ok:
            assert (self.simulator.world.digest(), self.simulator.world.now_ms) == (before, clock)
        return response

    def page(self, number) -> str:
        pages = list(self.simulator.world.table("pages")) or ["1"]
        return pages[number % len(pages)]

    @rule(parent=ANY, title=TITLES, space=st.sampled_from(["111111", "222222"]))
    def create(self, parent, title, space):
        response = self.call("createPage", spaceId=space, parentId=self.page(parent), title=title, body=TEXT)
        if response.ok:
            self.writes[response.body["id"]] = 1

    @rule(page=ANY, title=TITLES, parent=ANY, behind=st.integers(0, 1))
    def update(self, page, title, parent, behind):
        wanted = self.page(page)
        number = self.simulator.world.table("pages")[wanted]["version"] + 1 - behind
        more = {"title": title, "body": TEXT, "version": {"number": number}, "parentId": self.page(parent)}
        response = self.call("updatePage", id=wanted, status="current", **more)
        assert not (behind and response.ok)
        self.writes[wanted] = self.writes.get(wanted, 1) + response.ok

    @rule(page=ANY, title=TITLES)
    def rename(self, page, title):
        response = self.call("updatePageTitle", id=self.page(page), status="current", title=title)
        self.writes[self.page(page)] = self.writes.get(self.page(page), 1) + response.ok

    @rule(page=ANY, goal=ANY, position=st.sampled_from(["append", "before", "after"]))
    def move(self, page, goal, position):
        self.call("movePage", pageId=self.page(page), targetId=self.page(goal), position=position)

    @rule(page=ANY, purge=st.booleans())
    def delete(self, page, purge):
        self.call("deletePage", id=self.page(page), purge=purge)

    @rule(page=ANY, name=LABELS)
    def label(self, page, name):
        self.call("addLabelsToContent", id=self.page(page), labels=[{"prefix": "global", "name": name}])

    @rule(page=ANY)
    def comment(self, page):
        before = len(self.call("getPageFooterComments", id=self.page(page), limit=250).body.get("results", []))
        if self.call("createFooterComment", pageId=self.page(page), body=TEXT).ok:
            after = self.call("getPageFooterComments", id=self.page(page), limit=250).body["results"]
            assert len(after) == before + 1

    @invariant()
    def titles_are_unique_in_a_space(self):
        shown = [
            (page["spaceId"], page["title"])
            for page in self.simulator.world.table("pages").values()
            if page["status"] == "current"
        ]
        assert len(shown) == len(set(shown))

    @invariant()
    def a_version_is_the_number_of_writes(self):
        for page_id, page in self.simulator.world.table("pages").items():
            assert page["version"] == self.writes.get(page_id, 1) == len(page.get("history", [])) + 1

    @invariant()
    def a_parent_is_a_page_of_the_same_space_and_no_page_is_above_itself(self):
        pages = self.simulator.world.table("pages")
        for page in pages.values():
            seen = set()
            while page["parentId"] and page["status"] != "trashed":
                assert page["id"] not in seen
                seen.add(page["id"])
                assert pages[page["parentId"]]["spaceId"] == page["spaceId"]
                page = pages[page["parentId"]]

    @invariant()
    def the_trash_is_in_no_list(self):
        trashed = {p["id"] for p in self.simulator.world.table("pages").values() if p["status"] == "trashed"}
        listed = {page["id"] for page in self.call("getPages", limit=250).body["results"]}
        assert not listed & trashed
        for page in listed:
            children = self.call("getChildPages", id=page, limit=250).body["results"]
            assert not {child["id"] for child in children} & trashed

    @invariant()
    def labels_are_lower_case_sets(self):
        for page in self.simulator.world.table("pages").values():
            names = [label["name"] for label in page.get("labels", [])]
            assert names == sorted(set(names)) and all(name == name.lower() for name in names)


Site.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
test_site__holds_to_its_laws_after_any_calls = Site.TestCase
