"""Whether a scenario's reward means something, found out before any model is trained on it."""

from envs.audit.laws import Finding, Report, audit

__all__ = ["Finding", "Report", "audit"]
