"""The process of a run: settings with their resume rules, devices, hosts' heartbeats, console, errors and stalls."""
