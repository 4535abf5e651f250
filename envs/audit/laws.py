"""The laws that a scenario must satisfy. Every trial is seeded, so an audit is reproducible.

oracle       the oracle earns exactly 1, on every seed, split and difficulty
floors       cheap policies earn at most 0.3 on average, unless the correct behaviour is to write nothing
order        every success earns more than every failure, every single fault costs, and what leaves the oracle's site
             within the free reads earns at least 0.9
equivalents  other right ways succeed, at 0.9 or more
liars        who says what is false does not succeed and earns no more than by reading alone
refused      writes that the API refused earn no more than reading alone
thoughts     no text inside a thought changes anything
shown        the request, a schema, a description or an earlier response contains all that a right call needs
success      only the oracle's final site is a success: not the initial site, not one that lost a record besides
spread       the better a weak policy, the more it earns; one that makes 70% of its steps right earns 0.2 to 0.8
held-out     held-out tasks share no value with training tasks, and have wordings and operations of their own
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from envs.api.errors import EnvError
from envs.audit.equivalence import other_right_ways_succeed
from envs.audit.floors import no_cheap_policy_earns, rewards_spread
from envs.audit.held_out import held_out_is_held_out
from envs.audit.liars import no_liar_gains
from envs.audit.order import success_outranks_failure
from envs.audit.play import Play
from envs.audit.refused import no_refused_write_earns
from envs.audit.shown import everything_is_shown
from envs.audit.success import only_the_goal_is_a_success
from envs.audit.thoughts import no_thought_counts
from envs.audit.trial import SHOWN, Finding, Report, Trial, tasks, where
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import oracle

Law = Callable[[Scenario, int, Play], Iterator[Finding]]
"""(scenario, number of seeds, play) -> the findings."""


def audit(scenario: Scenario, seeds: int = 1000, laws: Sequence[str] = ()) -> Report:
    """Test the laws named, or all of them: the oracle on `seeds` tasks, laws with many episodes per task on a share.

    An exception in the scenario's code is reported as a finding. Raises EnvError for fewer than 1 seed.
    """
    if seeds < 1:
        raise EnvError(f"an audit needs at least 1 seed, not {seeds}")
    trial = Trial(scenario)
    findings: list[Finding] = []
    for name in laws or LAWS:
        law, share = LAWS[name]
        try:
            findings += law(scenario, max(1, seeds // share), trial.play)
        except Exception as error:  # The scenario is a user's code and may raise anything.
            findings.append(Finding(name, "raised", (f"{type(error).__name__}: {error}",)))
    return Report(scenario.name, tuple(findings), trial.episodes)


def the_oracle_earns_all(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play the oracle; yield a finding on its least reward."""
    failures = []
    lowest = 1.0
    for task in tasks(scenario, seeds):
        verdict = play(task, oracle(task)).verdict
        lowest = min(lowest, verdict.reward)
        if verdict.reward != 1.0 or not verdict.success:
            lost = [check.name for check in verdict.checks if check.score < 1] + [p.name for p in verdict.penalties]
            failures.append(f"{where(task)}: the oracle earns {verdict.reward}; it loses reward by {', '.join(lost)}")
    yield Finding("oracle", f"{lowest:.2f}", tuple(failures[:SHOWN]), lowest)


LAWS: Mapping[str, tuple[Law, int]] = {
    "oracle": (the_oracle_earns_all, 1),
    "floors": (no_cheap_policy_earns, 5),
    "order": (success_outranks_failure, 5),
    "equivalents": (other_right_ways_succeed, 10),
    "liars": (no_liar_gains, 10),
    "refused": (no_refused_write_earns, 50),
    "thoughts": (no_thought_counts, 100),
    "shown": (everything_is_shown, 5),
    "success": (only_the_goal_is_a_success, 5),
    "spread": (rewards_spread, 5),
    "held-out": (held_out_is_held_out, 5),
}
"""By name, a law and the share of seeds that it uses: one in this many."""
