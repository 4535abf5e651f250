"""Tests of a scenario's reward before any training: laws, mutants of the oracle with wrong values, weak policies."""

from envs.audit.laws import audit
from envs.audit.trial import Finding, Report

__all__ = ["Finding", "Report", "audit"]
