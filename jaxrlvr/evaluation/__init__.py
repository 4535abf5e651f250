"""Held-out scores of a policy, greedy and sampled, and the files of evaluated episodes."""
