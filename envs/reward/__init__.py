"""Rewards of finished episodes: weighted checks, penalties, provenance of ids that must be read, site difference."""
