"""A run's reports on itself: metrics, guards, diagnoses, utilisation, log files and console lines."""

from jaxrlvr.monitoring.guards import GuardConfig

__all__ = ["GuardConfig"]
