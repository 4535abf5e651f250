"""What a run tells of its steps: metrics, episodes, evaluations and diagnoses, on disk and on the console."""

from collections.abc import Sequence
from typing import Any

from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation.episode_files import write_episodes
from jaxrlvr.evaluation.held_out import Evaluation
from jaxrlvr.learning.batch import Batch
from jaxrlvr.monitoring import diagnosis, guards, metrics
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime import console
from jaxrlvr.storage.atomic_files import keep_steps
from jaxrlvr.storage.run_directory import RunDirectory


class Record:
    """Writes one run's records, from the step after `resume_from` on."""

    def __init__(self, config: RunConfig, run: RunDirectory, chat: Chat, resume_from: int) -> None:
        run.forget_after(resume_from)
        self._config, self._run, self._chat = config, run, chat
        self._log = metrics.MetricsLog(run.path, resume_from)
        self._history: list[dict[str, Any]] = run.read_lines("metrics")[-diagnosis.LONG :]
        self._told = {(one["pattern"], one["scenario"]): one["step"] for one in run.read_lines("diagnosis")}

    def step(self, step: int, figures: metrics.Figures, groups: Sequence[Group], batches: Sequence[Batch]) -> None:
        """Write a step's figures, its first group's episodes, and the batches of a skipped update; print its lines and
        diagnoses.
        """
        self._log.write(step, figures)
        console.say(metrics.line(step, self._config.steps, figures))
        console.say(f"  {metrics.health_line(figures)}\n  {metrics.scenario_line(figures)}")
        write_episodes(self._run.episodes / "train.jsonl", groups[:1], self._chat, step=step)
        if figures["update/skipped"]:
            guards.keep_batches(self._run.path / "skipped", step, batches)
        self._history = [*self._history, figures][-diagnosis.LONG :]
        for found in diagnosis.news(diagnosis.diagnose(self._history), self._told, step):
            self._run.append_line("diagnosis", {"step": step, **found._asdict()})
            console.say(f"  diagnosis: {found.text}")

    def evaluation_due(self, step: int) -> bool:
        """Whether the held-out tasks are due after a step before the last, and not yet judged."""
        every = self._config.evaluation.every
        due = every and 0 < step < self._config.steps and step % every == 0
        return bool(due) and step not in {one["step"] for one in self._run.read_lines("evaluations")}

    def evaluation(self, step: int, scores: Evaluation) -> None:
        """Write held-out scores, in the place of any of this step, and print them."""
        keep_steps(self._run.path / "evaluations.jsonl", step - 1)
        self._run.append_line("evaluations", {"step": step, **scores})
        self._log.show(
            step,
            {
                f"heldout/{way}/{figure}/{scenario}": float(score[figure])
                for way, of_way in scores.items()
                for scenario, score in of_way.items()
                for figure in ("reward", "success")
            },
        )
        console.scores(f"after {step} steps" if step else "before training", scores)

    def close(self) -> None:
        """Flush and close the metrics."""
        self._log.close()
