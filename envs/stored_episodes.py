"""Score stored episodes again under today's checks; the command is `python -m envs.rescore`.

A line is an episode as `Episode.to_dict` gives it, or a record that has one as "episode" and perhaps the "verdict" of
its time, as runs write them. Printed is a row per scenario: how many, reward and success now and then, how many differ.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.api.errors import EnvError
from envs.cli import Parser
from envs.episode import rescore
from envs.episode_record import check_verdict, shown
from envs.reward.verdict import Verdict


@dataclass(frozen=True)
class Rescored:
    """A stored episode with its verdict now and, if it was stored, then."""

    scenario: str
    now: Verdict
    then: Mapping[str, Any] | None

    @property
    def differs(self) -> bool:
        """Whether reward or success are not what was stored."""
        now = {"reward": self.now.reward, "success": self.now.success}
        return self.then is not None and any(self.then.get(name) != value for name, value in now.items())


@dataclass(frozen=True)
class Row:
    """A scenario's episodes, in means."""

    scenario: str
    episodes: int
    reward: float
    success: float
    stored: int
    """How many had a verdict."""
    stored_reward: float
    stored_success: float
    differ: int


def read(path: str) -> Iterator[Rescored]:
    """The episodes of a file, scored again. Raises EnvError that names the line which is none."""
    try:
        # Split at newlines only: a model's text may hold other characters that count as line ends.
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise EnvError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EnvError(f"{path} is not UTF-8 text: it is no episodes file") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise EnvError(f"{path} has no episode in it")
    for number, line in numbered:
        try:
            yield _rescored(json.loads(line))
        except json.JSONDecodeError as error:
            raise EnvError(f"{path}, line {number}: not JSON ({error.msg} at character {error.pos + 1})") from error
        except RecursionError as error:
            raise EnvError(f"{path}, line {number}: nested too deeply") from error
        except EnvError as error:
            raise EnvError(f"{path}, line {number}: {error}") from error


def _rescored(record: Any) -> Rescored:
    if not isinstance(record, Mapping):
        raise EnvError(f"an episode should be a JSON object, not {shown(record)}")
    episode = record.get("episode", record)
    if not isinstance(episode, Mapping):
        raise EnvError(f'the "episode" should be an object, not {shown(episode)}')
    then = record.get("verdict")
    if then is not None:
        check_verdict(then)
    try:
        now = rescore(episode)
    except EnvError:
        raise
    except Exception as error:  # The checks trust the answers that are stored with the calls.
        told = f"{type(error).__name__}: {error}"
        raise EnvError(f"what is stored as answers is nothing that these operations answer ({told})") from error
    return Rescored(episode["task"]["scenario"], now, then)


def summarise(episodes: Sequence[Rescored]) -> list[Row]:
    """One row per scenario, in order of appearance."""
    rows = []
    for name in dict.fromkeys(episode.scenario for episode in episodes):
        own = [episode for episode in episodes if episode.scenario == name]
        before = [episode.then for episode in own if episode.then is not None]
        rows.append(
            Row(
                name,
                len(own),
                _mean([episode.now.reward for episode in own]),
                _mean([float(episode.now.success) for episode in own]),
                len(before),
                _mean([float(then["reward"]) for then in before]),
                _mean([float(then["success"]) for then in before]),
                sum(episode.differs for episode in own),
            )
        )
    return rows


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def main(arguments: Sequence[str]) -> int:
    """Score the files and print the rows. Raises EnvError for what is no episodes file."""
    parser = Parser(prog="python -m envs.rescore", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="episodes.jsonl")
    parser.add_argument("--json", action="store_true", help="print one line of JSON per episode instead")
    options = parser.parse_args(arguments)
    episodes = []
    for path in options.files:
        for episode in read(path):
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
