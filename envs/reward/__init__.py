"""Episode to reward: weighted checks, penalties, provenance of ids, and the difference between two sites."""
