"""What `envs` raises: only for the caller's mistakes. A model's mistakes are answers, never exceptions."""


class EnvError(ValueError):
    """Bad input from code or a person (unknown scenario, bad split, malformed record); the message says what to do."""
