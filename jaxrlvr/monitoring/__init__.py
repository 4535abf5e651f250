"""What a run reports about itself: metrics, guards, diagnoses, utilisation, log files and console lines."""

from jaxrlvr.monitoring.guards import GuardConfig

__all__ = ["GuardConfig"]
