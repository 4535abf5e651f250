"""Names of earlier versions: modules that moved, and names, fields and methods that were renamed since.

A Python file of a user that still uses them gets one line that names the new ones.
"""

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from types import ModuleType

from envs.dropped import instead

RENAMED: Mapping[str, str] = {
    # Modules.
    "envs.audit.criteria": "envs.audit.laws",
    "envs.audit.policies": "envs.scripted_policies",
    "envs.checks": "envs.reward.checks",
    "envs.command": "envs.cli",
    "envs.confluence.namesakes": "envs.confluence.distractors",
    "envs.declared": "envs.api.undeclared",
    "envs.dependence": "envs.audit.dependence",
    "envs.errors": "envs.api.errors",
    "envs.faults": "envs.api.faults",
    "envs.http.site": "envs.http.gateway",
    "envs.jira.namesakes": "envs.jira.distractors",
    "envs.made_up": "envs.audit.wrong_values",
    "envs.mutants": "envs.audit.mutants",
    "envs.namesakes": "envs.api.distractors",
    "envs.operation": "envs.api.operation",
    "envs.parsing_bare": "envs.parsing.untagged",
    "envs.parsing_json": "envs.parsing.hermes_json",
    "envs.parsing_xml": "envs.parsing.qwen_xml",
    "envs.paths": "envs.api.json_paths",
    "envs.penalties": "envs.reward.penalties",
    "envs.policies": "envs.scripted_policies",
    "envs.record": "envs.episode_record",
    "envs.scenarios.both_sites": "envs.scenarios.vocabulary.both_sites",
    "envs.scenarios.confluence_create_page": "envs.scenarios.confluence.create_page",
    "envs.scenarios.confluence_label_page": "envs.scenarios.confluence.label_page",
    "envs.scenarios.confluence_move_page": "envs.scenarios.confluence.move_page",
    "envs.scenarios.confluence_page_from_facts": "envs.scenarios.confluence.page_from_facts",
    "envs.scenarios.confluence_page_from_issue": "envs.scenarios.both.page_from_issue",
    "envs.scenarios.confluence_update_conflict": "envs.scenarios.confluence.update_conflict",
    "envs.scenarios.confluence_update_page": "envs.scenarios.confluence.update_page",
    "envs.scenarios.jira_answer_without_tools": "envs.scenarios.jira.answer_without_tools",
    "envs.scenarios.jira_comment_mention": "envs.scenarios.jira.comment_mention",
    "envs.scenarios.jira_create_issue": "envs.scenarios.jira.create_issue",
    "envs.scenarios.jira_create_subtask": "envs.scenarios.jira.create_subtask",
    "envs.scenarios.jira_link_duplicate": "envs.scenarios.jira.link_duplicate",
    "envs.scenarios.jira_log_work": "envs.scenarios.jira.log_work",
    "envs.scenarios.jira_move_three_hops": "envs.scenarios.jira.move_three_hops",
    "envs.scenarios.jira_plan_sprint": "envs.scenarios.jira.plan_sprint",
    "envs.scenarios.jira_read_issue": "envs.scenarios.jira.read_issue",
    "envs.scenarios.jira_recover": "envs.scenarios.jira.recover",
    "envs.scenarios.jira_refuse_infeasible": "envs.scenarios.jira.refuse_infeasible",
    "envs.scenarios.jira_resolve_ticket": "envs.scenarios.jira.resolve_ticket",
    "envs.scenarios.jira_sites": "envs.scenarios.vocabulary.jira_sites",
    "envs.scenarios.jira_transition_conflict": "envs.scenarios.jira.transition_conflict",
    "envs.scenarios.jira_transition_ticket": "envs.scenarios.jira.transition_ticket",
    "envs.scenarios.jira_triage_by_jql": "envs.scenarios.jira.triage_by_jql",
    "envs.scenarios.jira_writes": "envs.scenarios.vocabulary.jira_moves",
    "envs.scenarios.scenario": "envs.scenarios.vocabulary.scenario",
    "envs.simulator": "envs.api.simulator",
    "envs.site": "envs.example_site",
    "envs.stored": "envs.stored_episodes",
    "envs.tools": "envs.api.tools",
    "envs.world": "envs.api.world",
    # Names in modules.
    "envs.confluence.pages.COMPACT_BODY": "envs.confluence.pages.STORAGE",
    "envs.audit.criteria.FLOOR": "envs.audit.floors.FLOOR",
    "envs.audit.criteria.SKILLS": "envs.audit.floors.SKILLS",
    "envs.audit.criteria.difficulties": "envs.audit.trial.difficulties",
    "envs.audit.criteria.own_values": "envs.audit.held_out.own_values",
    "envs.audit.criteria.shape": "envs.audit.held_out.shape",
    "envs.audit.criteria.writes_nothing": "envs.audit.floors.writes_nothing",
    "envs.audit.policies.dump": "envs.scripted_policies.dump_answers",
    "envs.audit.policies.echo": "envs.scripted_policies.echo_request",
    "envs.audit.policies.weak": "envs.audit.weak_policies.weak",
    "envs.checks.Attempt": "envs.reward.checks.FinishedEpisode",
    "envs.checks.Change": "envs.reward.site_diff.Change",
    "envs.checks.CheckResult": "envs.reward.verdict.CheckResult",
    "envs.checks.Verdict": "envs.reward.verdict.Verdict",
    "envs.checks.at": "envs.api.json_paths.at",
    "envs.checks.changes": "envs.reward.site_diff.changes",
    "envs.checks.judge": "envs.reward.verdict.judge",
    "envs.confluence.namesakes.NAMESAKES": "envs.confluence.distractors.DISTRACTORS",
    "envs.confluence.page_edits.wrong_place": "envs.confluence.page_edits.wrong_move",
    "envs.confluence.pages.taken": "envs.confluence.pages.title_taken",
    "envs.dependence.essence": "envs.reward.site_diff.normalised_changes",
    "envs.jira.issue_body.wanted_fields": "envs.jira.issue_body.selected_fields",
    "envs.jira.metadata.one_of": "envs.jira.metadata.reader",
    "envs.jira.namesakes.NAMESAKES": "envs.jira.distractors.DISTRACTORS",
    "envs.made_up.filled": "envs.scripted_policies.value_of",
    "envs.made_up.quoted": "envs.scripted_policies.quoted",
    "envs.made_up.sample_arguments": "envs.scripted_policies.sample_call",
    "envs.operation.Namesake": "envs.api.operation.Distractor",
    "envs.parsing.Malformed": "envs.parsing.hermes_json.Malformed",
    "envs.parsing.Schemas": "envs.parsing.qwen_xml.Schemas",
    "envs.parsing.Wanted": "envs.parsing.hermes_json.ParsedCall",
    "envs.parsing.parse_calls": "envs.parsing.calls.parse_calls",
    "envs.parsing_json.Wanted": "envs.parsing.hermes_json.ParsedCall",
    "envs.policies.duplicate": "envs.scripted_policies.duplicate_spam",
    "envs.policies.idle": "envs.scripted_policies.do_nothing",
    "envs.scenarios.jira_read_issue.FACTS": "envs.scenarios.jira.issue_facts.FACTS",
    "envs.scenarios.jira_read_issue.TYPES": "envs.scenarios.jira.issue_facts.TYPES",
    "envs.scenarios.jira_read_issue.facts_of": "envs.scenarios.jira.issue_facts.facts_of",
    "envs.scenarios.jira_writes.moves": "envs.scenarios.vocabulary.jira_moves.planned_move",
    "envs.scenarios.jira_writes.reads": "envs.scenarios.vocabulary.jira_moves.planned_read",
    "envs.scenarios.jira_reads.SEARCH": "envs.scenarios.vocabulary.jira_search.SEARCH",
    "envs.scenarios.jira_reads.SEARCHABLE": "envs.scenarios.vocabulary.jira_search.SEARCHABLE",
    "envs.scenarios.jira_reads.SEARCH_BY_POST": "envs.scenarios.vocabulary.jira_search.SEARCH_BY_POST",
    "envs.scenarios.jira_sites.Site": "envs.scenarios.vocabulary.jira_sites.TwoProjects",
    "envs.scenarios.jira_sites.mixable": "envs.scenarios.vocabulary.jira_sites.issues_in_both_projects",
    "envs.scenarios.scenario.Draft": "envs.task.TaskDraft",
    "envs.scenarios.scenario.Habit": "envs.scenarios.vocabulary.scenario.Mistake",
    "envs.scenarios.scenario.phrasing": "envs.scenarios.vocabulary.wordings.phrasing",
    "envs.reward.checks.at": "envs.api.json_paths.at",
    "envs.scenarios.vocabulary.jira_checks.SEARCH": "envs.scenarios.vocabulary.jira_search.SEARCH",
    "envs.scenarios.vocabulary.jira_checks.SEARCHABLE": "envs.scenarios.vocabulary.jira_search.SEARCHABLE",
    "envs.scenarios.vocabulary.jira_checks.SEARCH_BY_POST": "envs.scenarios.vocabulary.jira_search.SEARCH_BY_POST",
    "envs.scenarios.vocabulary.oracle.once_per_task": "envs.reward.goal.once_per_task",
    "envs.http.Site": "envs.http.Gateway",
    "envs.http.gateway.Site": "envs.http.gateway.Gateway",
    "envs.http.site.Site": "envs.http.gateway.Gateway",
    # Fields, methods and parameters.
    "Api.namesakes": "Api.distractors",
    "Api.table": "Api.by_name",
    "Episode.lenient": "Episode.untagged_calls",
    "Operation.refuse": "Operation.reject",
    "Operation.wrong_shape": "Operation.schema_error",
    "Parameter.let_through": "Parameter.validated_schema",
    "Parameter.taken": "Parameter.accepted_schema",
    "Scenario.habits": "Scenario.mistakes",
    "Scenario.kept_back": "Scenario.held_out_operations",
    "parse_calls.lenient": "parse_calls.untagged_calls",
}
"""Old name -> new name: of a module or a name in one, or as OWNER.NAME of a field, method or parameter."""


def explain(source: str, error: Exception, renamed: Mapping[str, str] = RENAMED) -> str:
    """Return how to write the old names in a Python file that failed with `error`: one line, empty if it has none.

    Every import that the line advises works; old names without a successor are listed, with what to do instead.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return ""
    if "'module' object is not callable" not in str(error):  # else a package's old function, now a module of that name
        renamed = {old: new for old, new in renamed.items() if not new.startswith(f"{old}.")}
    changes = dict.fromkeys(change for node in nodes for change in _changes(node, renamed))
    gone = dict.fromkeys(name for node in nodes for name in _gone(node, renamed))
    if not changes and (old := _missing_attribute(error)) in renamed:
        changes = {f"{renamed[old]} for {old}": None}
    elif instead(old := _missing_attribute(error)):
        gone[old] = None
    advice = [f"write {', '.join(changes)}"] if changes else []
    reasons: dict[str, list[str]] = {}
    for name in gone:
        reasons.setdefault(dropped(name, renamed) or "without a successor", []).append(name)
    advice += [f"{reason}: {', '.join(names)}" for reason, names in reasons.items()]
    return f"uses names of an earlier version: {'; '.join(advice)}" if advice else ""


def _changes(node: ast.AST, renamed: Mapping[str, str]) -> Iterator[str]:
    """Yield "NEW for OLD" for old names in an import or in the keywords of a call."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name in renamed and _is_module(renamed[alias.name]):
                yield f"`import {renamed[alias.name]}` for `import {alias.name}`"
    elif isinstance(node, ast.ImportFrom) and node.module:
        modules: dict[str, list[str]] = {}
        gone = set(_gone(node, renamed))
        for alias in node.names:
            if f"{node.module}.{alias.name}" not in gone:
                module, _, name = current_name(node.module, alias.name, renamed).rpartition(".")
                modules.setdefault(module, []).append(name + (f" as {alias.asname}" if alias.asname else ""))
        old = [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in node.names]
        if modules and modules != {node.module: old}:
            new = "; ".join(f"from {module} import {', '.join(names)}" for module, names in modules.items())
            yield f"`{new}` for `from {node.module} import {', '.join(old)}`"
    elif isinstance(node, ast.Call):
        kind = ast.unparse(node.func).split(".")[-1]
        for keyword in node.keywords:
            if (field := renamed.get(f"{kind}.{keyword.arg}")) is not None:
                yield f"`{kind}({field.split('.')[-1]}=...)` for `{kind}({keyword.arg}=...)`"


def _gone(node: ast.AST, renamed: Mapping[str, str]) -> Iterator[str]:
    """Yield the names in an import or in the keywords of a call that existed earlier and have no successor."""
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            old, new = f"{node.module}.{alias.name}", current_name(node.module, alias.name, renamed)
            if alias.name != "*" and not can_import(new) and (new != old or instead(old)):
                yield old
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if instead(alias.name))
    elif isinstance(node, ast.Call):
        kind = ast.unparse(node.func).split(".")[-1]
        yield from (name for keyword in node.keywords if instead(name := f"{kind}.{keyword.arg}"))


def current_name(module: str, name: str, renamed: Mapping[str, str] = RENAMED) -> str:
    """Return the dotted name under which `from module import name` is found now."""
    return renamed.get(f"{module}.{name}", f"{renamed.get(module, module)}.{name}")


def dropped(name: str, renamed: Mapping[str, str] = RENAMED) -> str:
    """Return what to do instead of using a dotted name of an earlier version; empty if nothing is known."""
    module, _, attribute = name.rpartition(".")
    return instead(name) or instead(current_name(module, attribute, renamed))


def can_import(name: str) -> bool:
    """Return whether a dotted name is a module or an attribute of one."""
    module, _, attribute = name.rpartition(".")
    try:
        return _is_module(name) or hasattr(importlib.import_module(module), attribute)
    except ImportError:
        return False


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the part before the last dot is no package
        return False


def _missing_attribute(error: Exception) -> str:
    """Return OWNER.NAME of the attribute or keyword argument that an error complains about; empty if it is another.

    The owner is a class, a function, or a module with its full name.
    """
    if isinstance(error, AttributeError):
        owner = error.obj.__name__ if isinstance(error.obj, ModuleType) else type(error.obj).__name__
        return f"{owner}.{error.name}"
    unexpected = re.match(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'", str(error))
    return ".".join(unexpected.groups()) if unexpected else ""
