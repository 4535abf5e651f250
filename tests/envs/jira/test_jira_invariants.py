"""Invariants of a Jira site, checked after each of a random sequence of writes."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.envs.jira.site import SAM, site, text

ANY = st.integers(0, 5)


class Site(RuleBasedStateMachine):
    """Random calls on existing issues."""

    def __init__(self) -> None:
        super().__init__()
        self.simulator = site()
        self.keys = {issue["key"] for issue in self.simulator.world.find("issues")}

    def call(self, name, /, **arguments):
        """Make a call; check that it changes nothing if it is refused."""
        before = self.simulator.world.digest(), self.simulator.world.now_ms
        response = self.simulator.call(name, arguments)
        assert response.ok or (self.simulator.world.digest(), self.simulator.world.now_ms) == before
        return response

    def key(self, number) -> str:
        keys = [issue["key"] for issue in self.simulator.world.find("issues")] or ["X-1"]
        return keys[number % len(keys)]

    @rule(kind=st.sampled_from(["Task", "Subtask", "Epic"]), parent=st.none() | ANY)
    def create(self, kind, parent):
        fields = {"project": {"key": "AA"}, "issuetype": {"name": kind}, "summary": "S"}
        under = {} if parent is None else {"parent": {"key": self.key(parent)}}
        response = self.call("createIssue", fields=fields | under)
        if response.ok:
            assert response.body["key"] not in self.keys
            self.keys.add(response.body["key"])

    @rule(step=st.sampled_from(["11", "21"]), label=st.sampled_from(["red", "a b"]), link=ANY)
    def create_in_full(self, step, label, link):
        fields = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": "S"}
        others = {"type": {"name": "Blocks"}, "outwardIssue": {"key": self.key(link)}}
        update = {
            "labels": [{"add": label}],
            "comment": [{"add": {"body": text("x")}}],
            "issuelinks": [{"add": others}],
        }
        response = self.call("createIssue", fields=fields, update=update, transition={"id": step})
        if response.ok:
            assert response.body["key"] not in self.keys
            assert (response.body["transition"]["status"] == 200) == (step == "11")
            self.keys.add(response.body["key"])

    @rule(kind=st.sampled_from(["Component", "Version"]), name=st.sampled_from(["1.0", "2.0", ""]))
    def add_part(self, kind, name):
        self.call(f"create{kind}", name=name, project="AA")

    @rule(kind=st.sampled_from(["Component", "Version"]), place=ANY, name=st.sampled_from(["1.0", "3.0"]))
    def rename_part(self, kind, place, name):
        self.call(f"update{kind}", id=self.part(kind, place), name=name)

    @rule(place=ANY, other=ANY)
    def release(self, place, other):
        link = f"{self.simulator.world.site}/rest/api/3/version/{self.part('Version', other)}"
        self.call("updateVersion", id=self.part("Version", place), released=True, moveUnfixedIssuesTo=link)

    @rule(issue=ANY, place=ANY)
    def fix_in(self, issue, place):
        given = {"fixVersions": [{"id": self.part("Version", place)}]}
        self.call("editIssue", issueIdOrKey=self.key(issue), fields=given)

    def part(self, kind, place) -> str:
        ids = list(self.simulator.world.table(f"{kind.lower()}s"))
        return ids[place % len(ids)]

    @rule(issue=ANY, summary=st.sampled_from(["", "One", "Two"]), parent=st.none() | ANY)
    def edit(self, issue, summary, parent):
        under = {} if parent is None else {"parent": {"key": self.key(parent)}}
        self.call("editIssue", issueIdOrKey=self.key(issue), fields={"summary": summary, **under})

    @rule(issue=ANY, transition=st.sampled_from(["11", "21", "99"]))
    def move(self, issue, transition):
        self.call("doTransition", issueIdOrKey=self.key(issue), transition={"id": transition})

    @rule(issue=ANY, account=st.sampled_from([SAM, None, "nobody"]))
    def assign(self, issue, account):
        self.call("assignIssue", issueIdOrKey=self.key(issue), accountId=account)

    @rule(issue=ANY)
    def comment(self, issue):
        before = self.call("getComments", issueIdOrKey=self.key(issue)).body.get("total", 0)
        if self.call("addComment", issueIdOrKey=self.key(issue), body=text("x")).ok:
            assert self.call("getComments", issueIdOrKey=self.key(issue)).body["total"] == before + 1

    @rule(one=ANY, other=ANY)
    def link(self, one, other):
        ends = {"inwardIssue": {"key": self.key(one)}, "outwardIssue": {"key": self.key(other)}}
        self.call("linkIssues", type={"name": "Blocks"}, **ends)

    @rule(issue=ANY, subtasks=st.sampled_from(["true", "false"]))
    def delete(self, issue, subtasks):
        self.call("deleteIssue", issueIdOrKey=self.key(issue), deleteSubtasks=subtasks)

    @invariant()
    def a_parent_is_of_the_same_project_and_one_level_up(self):
        issues, types = self.simulator.world.table("issues"), self.simulator.world.table("issuetypes")
        for issue in issues.values():
            kind, parent = types[issue["issuetype"]], issue["fields"].get("parent")
            assert parent or not kind["subtask"]
            if parent:
                assert issues[parent]["project"] == issue["project"]
                assert types[issues[parent]["issuetype"]]["hierarchyLevel"] == kind["hierarchyLevel"] + 1

    @invariant()
    def names_of_parts_are_new_in_their_project_and_issues_have_their_own_projects(self):
        world = self.simulator.world
        for table in ("components", "versions"):
            named = [(record["project"], record["name"]) for record in world.find(table)]
            assert len(set(named)) == len(named)
        for issue in world.find("issues"):
            fixed = issue["fields"].get("fixVersions", [])
            assert len(set(fixed)) == len(fixed)
            assert all(world.table("versions")[version]["project"] == issue["project"] for version in fixed)

    @invariant()
    def links_have_two_ends_and_nothing_belongs_to_a_deleted_issue(self):
        world = self.simulator.world
        for link in world.find("issue_links"):
            assert {link["inward"], link["outward"]} <= set(world.table("issues"))
        assert all(comment["issue"] in world.table("issues") for comment in world.find("issue_comments"))


Site.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
test_site__holds_to_its_laws_after_any_calls = Site.TestCase
