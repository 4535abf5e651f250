"""Presets have the published parameter counts, and those of the models that transformers builds from them."""

import pytest

from models import PRESETS, ModelError, parameter_count
from models.presets import active_parameter_count, preset

# Qwen3 and Qwen2.5: the totals that the hub shows for the checkpoints. Qwen3.5: of the text model, as transformers has
# it (there the hub's totals include a vision tower).
PUBLISHED = {
    "Qwen/Qwen3-0.6B": 596_049_920,
    "Qwen/Qwen3-1.7B": 1_720_574_976,
    "Qwen/Qwen3-4B": 4_022_468_096,
    "Qwen/Qwen3-8B": 8_190_735_360,
    "Qwen/Qwen3-14B": 14_768_307_200,
    "Qwen/Qwen3-32B": 32_762_123_264,
    "Qwen/Qwen3-30B-A3B": 30_532_122_624,
    "Qwen/Qwen3-235B-A22B": 235_093_634_560,
    "Qwen/Qwen2.5-0.5B": 494_032_768,
    "Qwen/Qwen2.5-1.5B": 1_543_714_304,
    "Qwen/Qwen2.5-3B": 3_085_938_688,
    "Qwen/Qwen2.5-7B": 7_615_616_512,
    "Qwen/Qwen2.5-14B": 14_770_033_664,
    "Qwen/Qwen2.5-32B": 32_763_876_352,
    "Qwen/Qwen2.5-72B": 72_706_203_648,
    "Qwen/Qwen3.5-0.8B": 752_393_024,
    "Qwen/Qwen3.5-2B": 1_881_825_088,
    "Qwen/Qwen3.5-4B": 4_205_751_296,
    "Qwen/Qwen3.5-9B": 8_953_803_264,
    "Qwen/Qwen3.5-27B": 26_895_998_464,
}


def test_preset__has_the_published_number_of_parameters():
    assert {name: parameter_count(config) for name, config in PRESETS.items()} == PUBLISHED


def test_preset__of_a_mixture_has_the_active_parameters_in_its_name():
    active = {name: active_parameter_count(config) / 1e9 for name, config in PRESETS.items() if config.num_experts}
    assert active == {
        "Qwen/Qwen3-30B-A3B": pytest.approx(3.3, abs=0.1),
        "Qwen/Qwen3-235B-A22B": pytest.approx(22, 0.01),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_preset__builds_a_model_of_the_same_size_in_transformers(name, tmp_path):
    torch = pytest.importorskip("torch", reason="needs torch: install the test extra")
    import json

    import transformers

    (tmp_path / "config.json").write_text(json.dumps(PRESETS[name].to_hf()))
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(tmp_path))
    model.tie_weights()
    assert sum(parameter.numel() for parameter in model.parameters()) == PUBLISHED[name]


def test_preset__is_found_with_or_without_its_organisation():
    assert preset("Qwen3-4B") is preset("Qwen/Qwen3-4B") is PRESETS["Qwen/Qwen3-4B"]
    with pytest.raises(ModelError, match="no preset 'Qwen3-4'"):
        preset("Qwen3-4")
