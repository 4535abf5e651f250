"""Tests of a scenario's reward before any training: laws it must satisfy, mutants of the oracle, weak policies."""

from envs.audit.laws import Finding, Report, audit

__all__ = ["Finding", "Report", "audit"]
