"""The engine of a simulated API: operations on a world of records, faults, and the tools shown to a model."""
