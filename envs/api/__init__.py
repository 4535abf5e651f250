"""The engine of simulated APIs: operations on a world of records, faults, tools, and distractors of similar names."""
