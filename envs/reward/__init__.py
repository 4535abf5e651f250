"""Rewards of finished episodes: goals from the oracle, site differences, penalties, truthfulness, verdicts."""
