"""What a run leaves on disk: its directory, checkpoints and progress, written so that a kill loses nothing."""
