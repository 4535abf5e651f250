"""What a run reports about itself: metrics, guards, diagnoses, utilisation, log files and console lines."""
