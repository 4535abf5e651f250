"""The exception of `envs`, raised for a caller's mistakes only: a model's mistakes are answered with responses."""


class EnvError(ValueError):
    """Invalid input from a caller, such as an unknown scenario or a malformed record; the message says what to do."""
