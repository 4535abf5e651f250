"""Command line to first step: arguments, validation, memory estimate, dry run, warm-up, trained weights."""
