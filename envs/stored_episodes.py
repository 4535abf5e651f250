"""Score stored episodes again with today's checks.

    python -m envs.rescore FILE [...] [--across-rules] [--json]

Each line of a file is an episode as returned by `Episode.to_dict`, or an object as written by a run, with the episode
as "episode" and optionally its "verdict". The command prints one row per scenario: the number of episodes, mean reward
and success now and as stored, and how many verdicts differ.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.api.errors import EnvError
from envs.cli import Parser, program
from envs.episode import rescore
from envs.episode_record import check_verdict, shown
from envs.reward.verdict import Verdict


@dataclass(frozen=True)
class Rescored:
    """The verdict of a stored episode by the current checks, and the stored one if there is one."""

    scenario: str
    now: Verdict
    then: Mapping[str, Any] | None

    @property
    def differs(self) -> bool:
        """Whether reward or success differ from the stored verdict."""
        now = {"reward": self.now.reward, "success": self.now.success}
        return self.then is not None and any(self.then.get(name) != value for name, value in now.items())


@dataclass(frozen=True)
class Row:
    """Means over a scenario's episodes."""

    scenario: str
    episodes: int
    reward: float
    success: float
    stored: int
    """Episodes with a stored verdict."""
    stored_reward: float
    stored_success: float
    differ: int


def read(path: str, across_rules: bool = False) -> Iterator[Rescored]:
    """Yield the rescored episodes of a file. Raises EnvError naming the first line that cannot be scored again."""
    try:
        # `splitlines` would also split at characters such as U+2028, which a model's text may contain.
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise EnvError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EnvError(f"{path} is not UTF-8 text, so not a file of episodes") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise EnvError(f"{path} has no episode")
    for number, line in numbered:
        try:
            yield _rescored(json.loads(line), across_rules)
        except json.JSONDecodeError as error:
            raise EnvError(f"{path}, line {number}: not JSON ({error.msg} at character {error.pos + 1})") from error
        except RecursionError as error:
            raise EnvError(f"{path}, line {number}: nested too deeply") from error
        except EnvError as error:
            raise EnvError(f"{path}, line {number}: {error}") from error


def _rescored(record: Any, across_rules: bool) -> Rescored:
    if not isinstance(record, Mapping):
        raise EnvError(f"an episode should be a JSON object, not {shown(record)}")
    episode = record.get("episode", record)
    if not isinstance(episode, Mapping):
        raise EnvError(f'the "episode" should be an object, not {shown(episode)}')
    then = record.get("verdict")
    if then is not None:
        check_verdict(then)
    try:
        now = rescore(episode, across_rules)
    except EnvError:
        raise
    except Exception as error:  # The checks trust the responses stored with the calls.
        cause = f"{type(error).__name__}: {error}"
        raise EnvError(f"the stored responses are not responses of these operations ({cause})") from error
    return Rescored(episode["task"]["scenario"], now, then)


def summarise(episodes: Sequence[Rescored]) -> list[Row]:
    """Return one row per scenario, in order of first appearance."""
    rows = []
    for name in dict.fromkeys(episode.scenario for episode in episodes):
        chosen = [episode for episode in episodes if episode.scenario == name]
        stored = [episode.then for episode in chosen if episode.then is not None]
        rows.append(
            Row(
                scenario=name,
                episodes=len(chosen),
                reward=_mean([episode.now.reward for episode in chosen]),
                success=_mean([float(episode.now.success) for episode in chosen]),
                stored=len(stored),
                stored_reward=_mean([float(verdict["reward"]) for verdict in stored]),
                stored_success=_mean([float(verdict["success"]) for verdict in stored]),
                differ=sum(episode.differs for episode in chosen),
            )
        )
    return rows


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def main(arguments: Sequence[str]) -> int:
    """Score the files and print the rows. Raises EnvError for a file that has no episodes or cannot be read."""
    parser = Parser(prog=program("envs.rescore"), description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE", help="episodes, one line of JSON each")
    parser.add_argument("--across-rules", action="store_true", help="also score episodes of other rules")
    parser.add_argument("--json", action="store_true", help="print one line of JSON per episode")
    options = parser.parse_args(arguments)
    episodes = []
    for path in options.files:
        for episode in read(path, options.across_rules):
            episodes.append(episode)
            if options.json:
                print(json.dumps({"scenario": episode.scenario, "verdict": episode.now.to_dict()}))
    if not options.json:
        print(_table(summarise(episodes)))
    return 0


def _table(rows: Sequence[Row]) -> str:
    width = max(len(row.scenario) for row in rows)
    lines = [f"{'scenario':<{width}}  episodes  reward  (stored)  success  (stored)  differ"]
    for row in rows:
        stored = (f"{row.stored_reward:8.3f}", f"{row.stored_success:8.3f}") if row.stored else (" " * 7 + "-",) * 2
        lines.append(
            f"{row.scenario:<{width}}  {row.episodes:8d}  {row.reward:6.3f}  {stored[0]}  {row.success:7.3f}  "
            f"{stored[1]}  {row.differ:6d}"
        )
    return "\n".join(lines)
