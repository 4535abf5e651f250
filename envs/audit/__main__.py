"""Check that a scenario's reward is sound.

    python -m envs.audit [SCENARIO ...] [--seeds N] [--json]

A SCENARIO is a name, or a Python file that defines SCENARIO or a tuple SCENARIOS; all scenarios are audited if none is
given. Prints one row per scenario, then every violation, and exits with 1 if there is any.
"""

import json
import runpy
from collections.abc import Sequence
from pathlib import Path

from envs import renamed
from envs.api.errors import EnvError
from envs.audit.laws import audit
from envs.audit.trial import Report
from envs.cli import Parser, program, run
from envs.scenarios import SCENARIOS
from envs.scenarios.vocabulary.scenario import Scenario

_NOTE = "* above the floor of 0.3, which is allowed where the correct behaviour is to write nothing and say nothing"


def main(arguments: Sequence[str]) -> int:
    """Audit the scenarios named; return 0 if they satisfy every law, otherwise 1. Raises EnvError for bad arguments."""
    parser = Parser(prog=program("envs.audit"), description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="name, or Python file that defines SCENARIO")
    parser.add_argument("--seeds", type=int, metavar="N", default=1000, help="tasks for the oracle; others use a fifth")
    parser.add_argument("--json", action="store_true", help="print the full reports as JSON")
    options = parser.parse_args(arguments)
    chosen = [scenario for name in options.scenarios or SCENARIOS for scenario in load(name)]
    reports = []
    for number, scenario in enumerate(chosen):
        reports.append(audit(scenario, options.seeds))
        if not options.json:
            if number == 0:
                print(_header(reports[0], chosen), flush=True)
            print(_row(reports[-1], chosen), flush=True)
    if options.json:
        print(json.dumps({"ok": all(r.ok for r in reports), "reports": [r.to_dict() for r in reports]}, indent=1))
    else:
        print(_ending(reports))
    return 0 if all(report.ok for report in reports) else 1


def load(name: str) -> Sequence[Scenario]:
    """Return the scenario of a name, or those that a Python file defines. Raises EnvError if there is none."""
    if name in SCENARIOS:
        return [SCENARIOS[name]]
    if not name.endswith(".py"):
        raise EnvError(f"unknown scenario {name!r}; choose from {', '.join(SCENARIOS)}, or give a Python file")
    if not Path(name).is_file():
        raise EnvError(f"no such file: {name}")
    try:
        names = runpy.run_path(name)
    except Exception as error:
        if advice := renamed.explain(Path(name).read_text(encoding="utf-8"), error):
            raise EnvError(f"{name} {advice}") from error
        raise
    scenarios = names.get("SCENARIOS", (names.get("SCENARIO"),))
    if not isinstance(scenarios, list | tuple) or not scenarios or not all(isinstance(s, Scenario) for s in scenarios):
        kind = "envs.scenarios.vocabulary.scenario.Scenario"
        raise EnvError(f"{name} does not define SCENARIO, an {kind}, or SCENARIOS, a tuple of them")
    return scenarios


def _columns(report: Report) -> list[tuple[str, int]]:
    """Return (heading, width) of each finding's column."""
    return [(f.criterion, max(len(f.criterion), 19 if f.criterion == "spread" else 6)) for f in report.findings]


def _name_width(chosen: Sequence[Scenario]) -> int:
    return max(len(scenario.name) for scenario in chosen)


def _header(report: Report, chosen: Sequence[Scenario]) -> str:
    headings = "  ".join(f"{heading:>{width}}" for heading, width in _columns(report))
    return f"{'scenario':<{_name_width(chosen)}}  {headings}"


def _row(report: Report, chosen: Sequence[Scenario]) -> str:
    values = "  ".join(
        f"{finding.value + ('' if finding.ok else '!'):>{width}}"
        for finding, (_, width) in zip(report.findings, _columns(report), strict=True)
    )
    return f"{report.scenario:<{_name_width(chosen)}}  {values}  {'ok' if report.ok else 'FAILS'}"


def _ending(reports: Sequence[Report]) -> str:
    lines = [_NOTE] if any("*" in finding.value for report in reports for finding in report.findings) else []
    for report in reports:
        for finding in report.findings:
            lines += [f"{report.scenario}, {finding.criterion}: {failure}" for failure in finding.failures]
    failed = sum(not report.ok for report in reports)
    episodes = sum(report.episodes for report in reports)
    result = "all sound" if not failed else f"{failed} of {len(reports)} fail"
    return "\n".join([*lines, f"{len(reports)} scenario{'s' * (len(reports) != 1)}, {episodes} episodes: {result}"])


if __name__ == "__main__":
    run(main)
