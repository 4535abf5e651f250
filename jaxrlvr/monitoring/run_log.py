"""Report a run's steps: metrics, episodes, evaluations and diagnoses, to files and to the console."""

from collections.abc import Sequence
from typing import Any

from envs.reward.verdict import RULES
from jaxrlvr.evaluation.episode_files import write_episodes
from jaxrlvr.evaluation.held_out import Evaluation
from jaxrlvr.learning.batch import Batch
from jaxrlvr.monitoring import diagnosis, guards, metrics
from jaxrlvr.monitoring.console_lines import health_line, scenario_line, step_line
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime import console
from jaxrlvr.runtime.timing import Figures
from jaxrlvr.storage.atomic_files import keep_steps
from jaxrlvr.storage.run_directory import SCORING_RULES, RunDirectory


class RunLog:
    """Writes and prints the records of one run, from the step after `resume_from` on."""

    def __init__(self, run: RunDirectory, chat: Chat, steps: int, evaluate_every: int, resume_from: int) -> None:
        """`steps` is the run's last step; `evaluate_every` is 0 for no evaluation during training."""
        run.save_result(SCORING_RULES, RULES)
        run.forget_after(resume_from)
        self._run, self._chat, self._steps, self._evaluate_every = run, chat, steps, evaluate_every
        self._metrics = metrics.MetricsLog(run.path, resume_from)
        self._history: list[dict[str, Any]] = run.read_lines("metrics")[-diagnosis.LONG_WINDOW :]
        self._diagnosed = {(line["pattern"], line["scenario"]): line["step"] for line in run.read_lines("diagnosis")}

    def step(self, step: int, figures: Figures, groups: Sequence[Group], batches: Sequence[Batch]) -> None:
        """Write and print a step's figures and diagnoses.

        Also writes the episodes of its first group, and its batches if the update was skipped.
        """
        self._metrics.write(step, figures)
        console.say(step_line(step, self._steps, figures))
        console.say(f"  {health_line(figures)}\n  {scenario_line(figures)}")
        write_episodes(self._run.episodes / "train.jsonl", groups[:1], self._chat, {"step": step})
        if figures["update/skipped"]:
            guards.save_batches(self._run.path / "skipped", step, batches)
        self._history = [*self._history, figures][-diagnosis.LONG_WINDOW :]
        for finding in diagnosis.unreported(diagnosis.diagnose(self._history), self._diagnosed, step):
            self._diagnosed[finding.pattern, finding.scenario] = step
            self._run.append_line("diagnosis", {"step": step, **finding._asdict()})
            console.say(f"  diagnosis: {finding.text}")

    def evaluation_due(self, step: int) -> bool:
        """Whether an evaluation is due after `step`, which is not the last, and not yet recorded."""
        every = self._evaluate_every
        due = every and 0 < step < self._steps and step % every == 0
        return bool(due) and step not in {line["step"] for line in self._run.read_lines("evaluations")}

    def evaluation(self, step: int, scores: Evaluation) -> None:
        """Write and print held-out scores, replacing those of the same step."""
        keep_steps(self._run.path / "evaluations.jsonl", step - 1)
        self._run.append_line("evaluations", {"step": step, **scores})
        self._metrics.write_events(
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
        self._metrics.close()
