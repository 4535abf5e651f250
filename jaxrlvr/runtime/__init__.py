"""The process of a run: settings with resume rules, devices, hosts' heartbeats, console, full disks and stalls."""
