"""Laws of exporting a model directory; exports of runs are among the laws of training."""

import json

import jax.numpy as jnp
import pytest
from flax import nnx
from safetensors.numpy import load_file

import models
from jaxrlvr import export
from jaxrlvr.runtime.errors import UserError


@pytest.fixture
def bare(tmp_path):
    """A model directory in bfloat16 with neither tokenizer nor chat template."""
    shape = models.ModelConfig(
        vocab_size=64, hidden_size=32, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8, mlp_size=48
    )
    decoder = models.Decoder(shape, rngs=nnx.Rngs(0), param_dtype=jnp.bfloat16)
    return models.save(decoder, tmp_path / "bare")


def test_export__of_a_directory_without_a_chat_keeps_every_byte(bare, tmp_path, capsys):
    export.main([str(bare), "--out", str(tmp_path / "out")])
    assert f"the weights of {bare}" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        path.name: path.read_bytes() for path in bare.iterdir()
    }


def test_export__writes_the_dtype_asked_for_and_says_so_in_the_config(bare, tmp_path):
    export.main([str(bare), "--out", str(tmp_path / "wide"), "--dtype", "float32"])
    export.main([str(tmp_path / "wide"), "--out", str(tmp_path / "again"), "--dtype", "bfloat16"])
    wide, again = (load_file(tmp_path / name / "model.safetensors") for name in ("wide", "again"))
    assert {value.dtype for value in wide.values()} == {jnp.dtype("float32")}
    for name, value in load_file(bare / "model.safetensors").items():
        assert again[name].tobytes() == value.tobytes() and (wide[name] == value.astype("float32")).all()
    assert json.loads((tmp_path / "wide" / "config.json").read_text())["dtype"] == "float32"


def test_export__of_adapters_has_no_dtype(bare, tmp_path):
    with pytest.raises(UserError, match="--dtype is for whole models"):
        export.main([str(bare), "--out", str(tmp_path / "out"), "--adapter", "--dtype", "float16"])
