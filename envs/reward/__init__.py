"""Rewards of finished episodes: weighted checks, provenance of ids, penalties, site difference and verdict."""
