"""Names of earlier versions: modules that moved, and names, fields and methods that were renamed since.

A Python file of a user that still uses them gets one line that names the new ones.
"""

import ast
import re
from collections.abc import Iterator, Mapping

RENAMED: Mapping[str, str] = {
    # Modules.
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
    "envs.scenarios.confluence_reads": "envs.scenarios.vocabulary.confluence_checks",
    "envs.scenarios.jira_reads": "envs.scenarios.vocabulary.jira_checks",
    "envs.scenarios.jira_sites": "envs.scenarios.vocabulary.jira_sites",
    "envs.scenarios.jira_writes": "envs.scenarios.vocabulary.jira_moves",
    "envs.scenarios.scenario": "envs.scenarios.vocabulary.scenario",
    "envs.several": "envs.reward.provenance",
    "envs.simulator": "envs.api.simulator",
    "envs.site": "envs.example_site",
    "envs.stored": "envs.stored_episodes",
    "envs.told": "envs.reward.provenance",
    "envs.tools": "envs.api.tools",
    "envs.world": "envs.api.world",
    # Names in modules.
    "envs.checks.Attempt": "envs.reward.checks.FinishedEpisode",
    "envs.checks.Change": "envs.reward.site_diff.Change",
    "envs.checks.CheckResult": "envs.reward.verdict.CheckResult",
    "envs.checks.Verdict": "envs.reward.verdict.Verdict",
    "envs.checks.changes": "envs.reward.site_diff.changes",
    "envs.checks.judge": "envs.reward.verdict.judge",
    "envs.scenarios.scenario.Draft": "envs.scenarios.vocabulary.scenario.TaskDraft",
    "envs.scenarios.scenario.Habit": "envs.scenarios.vocabulary.scenario.Mistake",
    "envs.scenarios.scenario.phrasing": "envs.scenarios.vocabulary.wordings.phrasing",
    "envs.told.last_place": "envs.reward.provenance.last_index",
    "envs.told.told_before": "envs.reward.provenance.seen_before",
    "envs.parsing.parse_calls": "envs.parsing.calls.parse_calls",
    "envs.http.Site": "envs.http.Gateway",
    "envs.http.gateway.Site": "envs.http.gateway.Gateway",
    "envs.http.site.Site": "envs.http.gateway.Gateway",
    # Fields and methods.
    "Api.namesakes": "Api.distractors",
    "Api.table": "Api.by_name",
    "Operation.refuse": "Operation.reject",
    "Operation.wrong_shape": "Operation.schema_error",
    "Parameter.taken": "Parameter.accepted_schema",
    "Scenario.habits": "Scenario.mistakes",
    "Scenario.kept_back": "Scenario.held_out_operations",
}
"""Old name -> new name: of a module, of a name in a module, or of a field or method as CLASS.NAME."""


def explain(source: str, error: Exception, renamed: Mapping[str, str] = RENAMED) -> str:
    """Return how to write the old names in a Python file that failed with `error`: one line, empty if it has none."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return ""
    changes = dict.fromkeys(change for node in nodes for change in _changes(node, renamed))
    if not changes and (old := _missing_attribute(error)) in renamed:
        changes = {f"{renamed[old]} for {old}": None}
    return f"uses names of an earlier version: write {', '.join(changes)}" if changes else ""


def _changes(node: ast.AST, renamed: Mapping[str, str]) -> Iterator[str]:
    """Yield "NEW for OLD" for old names in an import or in the keywords of a call."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name in renamed:
                yield f"`import {renamed[alias.name]}` for `import {alias.name}`"
    elif isinstance(node, ast.ImportFrom) and node.module:
        modules: dict[str, list[str]] = {}
        for alias in node.names:
            module, _, name = current_name(node.module, alias.name, renamed).rpartition(".")
            modules.setdefault(module, []).append(name + (f" as {alias.asname}" if alias.asname else ""))
        old = [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in node.names]
        if modules != {node.module: old}:
            new = "; ".join(f"from {module} import {', '.join(names)}" for module, names in modules.items())
            yield f"`{new}` for `from {node.module} import {', '.join(old)}`"
    elif isinstance(node, ast.Call):
        kind = ast.unparse(node.func).split(".")[-1]
        for keyword in node.keywords:
            if (field := renamed.get(f"{kind}.{keyword.arg}")) is not None:
                yield f"`{kind}({field.split('.')[-1]}=...)` for `{kind}({keyword.arg}=...)`"


def current_name(module: str, name: str, renamed: Mapping[str, str] = RENAMED) -> str:
    """Return the dotted name under which `from module import name` is found now."""
    return renamed.get(f"{module}.{name}", f"{renamed.get(module, module)}.{name}")


def _missing_attribute(error: Exception) -> str:
    """Return CLASS.NAME of the attribute or keyword argument that an error complains about; empty if it is another."""
    if isinstance(error, AttributeError):
        return f"{type(error.obj).__name__}.{error.name}"
    unexpected = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    return ".".join(unexpected.groups()) if unexpected else ""
