"""Files of a run: its directory, lock, checkpoints and progress, written so that a kill loses nothing."""
