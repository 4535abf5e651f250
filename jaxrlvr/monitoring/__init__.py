"""A run's reports on itself: metrics, guards, diagnoses, utilisation, log files and console lines."""
