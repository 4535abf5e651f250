"""Is a scenario's reward sound? `python -m envs.audit [SCENARIO ...] [--seeds N] [--json]`

A SCENARIO is a name, or a Python file that defines SCENARIO or a tuple SCENARIOS; without any, all are audited. Prints
a table, then what is wrong, and exits with 1 if anything is.
"""

import json
import runpy
from collections.abc import Sequence
from pathlib import Path

from envs.api.errors import EnvError
from envs.audit.laws import Report, audit
from envs.cli import Parser, run
from envs.scenarios import SCENARIOS
from envs.scenarios.vocabulary.scenario import Scenario

_NOTE = "* more than the floor of 0.3, which scenarios are spared where the right thing is to write and say nothing"


def main(arguments: Sequence[str]) -> int:
    """Audit what was asked for; 0 if every law held, 1 if not. Raises EnvError for bad arguments."""
    parser = Parser(prog="python -m envs.audit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="name, or a Python file with SCENARIO in it")
    parser.add_argument("--seeds", type=int, default=1000, help="tasks for the oracle; the other laws take a fifth")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON instead")
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
    """Return the scenario of a name, or those of a file. Raises EnvError if there is none."""
    if name in SCENARIOS:
        return [SCENARIOS[name]]
    if not name.endswith(".py"):
        raise EnvError(f"unknown scenario {name!r}; there are {', '.join(SCENARIOS)}, or name a Python file")
    if not Path(name).is_file():
        raise EnvError(f"there is no file {name}")
    names = runpy.run_path(name)
    found = names.get("SCENARIOS", (names.get("SCENARIO"),))
    if not isinstance(found, list | tuple) or not found or not all(isinstance(one, Scenario) for one in found):
        wanted = "envs.scenarios.vocabulary.scenario.Scenario"
        raise EnvError(f"{name} has no SCENARIO of type {wanted}, nor a tuple SCENARIOS of them")
    return found


def _columns(report: Report) -> list[tuple[str, int]]:
    """(heading, width) of each finding."""
    return [(f.criterion, max(len(f.criterion), 19 if f.criterion == "spread" else 6)) for f in report.findings]


def _first(chosen: Sequence[Scenario]) -> int:
    return max(len(scenario.name) for scenario in chosen)


def _header(report: Report, chosen: Sequence[Scenario]) -> str:
    told = "  ".join(f"{heading:>{width}}" for heading, width in _columns(report))
    return f"{'scenario':<{_first(chosen)}}  {told}"


def _row(report: Report, chosen: Sequence[Scenario]) -> str:
    told = "  ".join(
        f"{finding.value + ('' if finding.ok else '!'):>{width}}"
        for finding, (_, width) in zip(report.findings, _columns(report), strict=True)
    )
    return f"{report.scenario:<{_first(chosen)}}  {told}  {'ok' if report.ok else 'FAILS'}"


def _ending(reports: Sequence[Report]) -> str:
    lines = [_NOTE] if any("*" in finding.value for report in reports for finding in report.findings) else []
    for report in reports:
        for finding in report.findings:
            lines += [f"{report.scenario}, {finding.criterion}: {failure}" for failure in finding.failures]
    failed = sum(not report.ok for report in reports)
    episodes = sum(report.episodes for report in reports)
    told = "all sound" if not failed else f"{failed} of {len(reports)} fail"
    return "\n".join([*lines, f"{len(reports)} scenario{'s' * (len(reports) != 1)}, {episodes} episodes: {told}"])


if __name__ == "__main__":
    run(main)
