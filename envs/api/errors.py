"""EnvError, raised for invalid input from callers only; invalid calls of a model get error responses instead."""


class EnvError(ValueError):
    """Invalid input from a caller, such as an unknown scenario or a malformed record; the message says what to do."""
