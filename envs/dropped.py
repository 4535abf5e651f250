"""Names of earlier versions without a successor, and what to do instead of using them."""

from collections.abc import Mapping

_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "checks follow from the oracle now, so leave these out": {
        "envs.reward.provenance": "",
        "envs.reward.checks": "argument exactly outcome overlap read_first stopped_after",
        "envs.scenarios.confluence_reads": "",
        "envs.scenarios.jira_reads": "",
        "envs.scenarios.vocabulary.confluence_checks": "",
        "envs.scenarios.vocabulary.jira_checks": "",
        "envs.scenarios.vocabulary.jira_moves": "MOVED about_moved_issue as_asked one_moved only_moved read_it"
        " right_issue right_transition transitions_read",
        "envs.scenarios.vocabulary.oracle": "Grade Same T any_case graded_call integer like_oracle read_like_oracle"
        " same_site_as_oracle",
        "envs.several": "",
        "envs.told": "",
        "Check": "outcome weight",
    },
    "an answer is judged by its claim now, so pass TaskDraft(claim=...) instead of these": {
        "envs.reward.answers": "",
        "envs.scenarios.jira.answer_without_tools": "FIGURES",
        "envs.scenarios.jira.infeasible": "asks_for",
        "envs.scenarios.jira.issue_facts": "possible unasked",
        "envs.scenarios.jira.read_issue": "named possible unasked",
    },
    "an API says what counts of a changed record now, so pass Api(normal_forms=...) instead of these": {
        "envs.scenarios.vocabulary.confluence_checks": "plain_page",
        "envs.scenarios.vocabulary.oracle": "Form ignoring only",
    },
    "envs.reward.goal.goal_of(task).site is the site after the oracle, so read it instead of this": {
        "envs.scenarios.vocabulary.oracle": "oracle_site",
    },
    "the last call of an operation is episode.trace.of(operation)[-1] now, so write that instead of this": {
        "FinishedEpisode": "last",
    },
}
"""By sentence and owner, the names that the sentence is about; no names mean everything in a module."""
_SENTENCES: Mapping[str, str] = {
    f"{owner}.{name}" if name else owner: sentence
    for sentence, owners in _INSTEAD.items()
    for owner, names in owners.items()
    for name in names.split() or [""]
}


def instead(name: str) -> str:
    """Return what to do instead of using a dotted name; empty if it was not dropped."""
    return _SENTENCES.get(name) or _SENTENCES.get(name.rpartition(".")[0], "")
