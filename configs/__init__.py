"""Runnable experiments: each file has a function config(); its docstring gives the command, the time and the result."""
