"""The engine of simulated APIs: operations on a world of records, the simulator, faults, tools and distractors."""
