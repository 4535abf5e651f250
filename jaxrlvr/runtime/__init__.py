"""The process of a run: its devices, its peers, its console, and how it reports errors, interruptions and stalls."""
