"""A run's reports on itself: metrics, guards, diagnosis of known failures, utilisation, log files and console lines."""

from jaxrlvr.monitoring.guards import GuardConfig

__all__ = ["GuardConfig"]
