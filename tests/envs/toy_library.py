"""The worked example of docs/environments.md: its Python blocks, concatenated."""

import re
from pathlib import Path

from envs.scenarios.vocabulary.scenario import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"


def source() -> str:
    """Return the example as one file."""
    return "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))


def library() -> tuple[Scenario, Scenario]:
    """Return the example's scenarios: lending a book and taking one back."""
    names: dict = {"__name__": "library"}
    exec(compile(source(), str(PAGE), "exec"), names)
    return names["SCENARIOS"]
