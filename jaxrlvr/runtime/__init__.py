"""The process of a run: devices, settings, several hosts and their heartbeats, console, errors, signals and stalls."""
