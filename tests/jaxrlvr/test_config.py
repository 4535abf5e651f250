"""Laws of the configs that are shipped."""

import dataclasses
from pathlib import Path

import pytest

from jaxrlvr.config import RunConfig
from jaxrlvr.imitation.stages import SFTConfig
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.runtime.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("file", sorted(path.name for path in CONFIGS.glob("*.py") if path.stem != "__init__"))
def test_shipped_config__loads_or_is_a_part_of_others(file):
    kinds = (RunConfig, SFTConfig)
    for kind in kinds:
        try:
            config = load_config(str(CONFIGS / file), kind)
        except UserError:
            continue
        assert dataclasses.is_dataclass(config)
        return
    assert any(f"configs.{Path(file).stem} import" in other.read_text() for other in CONFIGS.glob("*.py")), file
