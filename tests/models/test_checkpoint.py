"""Loading and saving: import then export is the identity, a bad checkpoint raises one error that lists all problems."""

import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

import models
from models import CheckpointError, ModelError
from models.weight_table import tensors

GOLDEN = Path(__file__).parent / "golden" / "qwen3"
Q_PROJ = "model.layers.0.self_attn.q_proj.weight"


@pytest.fixture
def checkpoint(tmp_path):
    """Copy the golden checkpoint, so that a test may modify it."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "checkpoint"))


def all_tensors(directory):
    return {name: value for file in directory.glob("*.safetensors") for name, value in load_file(file).items()}


def assert_same_bytes(ours, reference):
    assert ours.keys() == reference.keys()
    for name, value in reference.items():
        assert ours[name].dtype == value.dtype and ours[name].shape == value.shape, name
        assert ours[name].tobytes() == value.tobytes(), name


def rewrite(checkpoint, change):
    values = load_file(checkpoint / "model.safetensors")
    change(values)
    save_file(values, checkpoint / "model.safetensors")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("max_shard_bytes", [10**9, 20_000, 1])
def test_import_then_export__is_identity(checkpoint, tmp_path, dtype, max_shard_bytes):
    def cast(values):
        values.update({name: value.astype(jnp.dtype(dtype)) for name, value in values.items()})

    rewrite(checkpoint, cast)
    config = json.loads((checkpoint / "config.json").read_text()) | {"dtype": dtype}
    (checkpoint / "config.json").write_text(json.dumps(config))
    once, twice = tmp_path / "once", tmp_path / "twice"
    models.save(models.load(checkpoint, dtype=None), once, max_shard_bytes=max_shard_bytes)
    models.save(nnx.split(models.load(once, dtype=None)), twice)
    for directory in (once, twice):
        assert_same_bytes(all_tensors(directory), all_tensors(checkpoint))
        assert json.loads((directory / "config.json").read_text()) == config
    assert not list(once.glob(".*"))


@pytest.mark.parametrize(
    "flags", [{}, {"qk_norm": False, "qkv_bias": True}, {"qk_norm": False, "tie_embeddings": False}]
)
def test_export_then_import__is_identity_for_every_family(make_config, make_decoder, tmp_path, flags):
    decoder = make_decoder(make_config(**flags))
    models.save(decoder, tmp_path)
    again = models.load(tmp_path)
    jax.tree.map(np.testing.assert_array_equal, nnx.split(decoder)[1], nnx.split(again)[1])
    assert {tensor.path for tensor in tensors(again.config)} == {
        tuple(map(str, path)) for path, _ in nnx.to_flat_state(nnx.split(again)[1])
    }


def test_save__writes_an_index_that_names_every_tensor_once_and_keeps_files_small(checkpoint, tmp_path):
    out = models.save(models.load(checkpoint), tmp_path / "out", max_shard_bytes=20_000)
    index = json.loads((out / "model.safetensors.index.json").read_text())
    values = all_tensors(checkpoint)
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in values.values())
    assert index["weight_map"].keys() == values.keys()
    for file in out.glob("*.safetensors"):
        inside = load_file(file)
        assert all(index["weight_map"][name] == file.name for name in inside)
        assert sum(value.nbytes for value in inside.values()) <= 20_000


def test_save__replaces_older_weights_and_carries_the_tokenizer(checkpoint, tmp_path):
    for name in ("tokenizer.json", "chat_template.jinja", "generation_config.json", "README.md"):
        (checkpoint / name).write_text(name)
    decoder, out = models.load(checkpoint), tmp_path / "out"
    models.save(decoder, out, max_shard_bytes=20_000)
    models.save(decoder, out, source_dir=checkpoint)
    written = {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "generation_config.json"}
    assert {path.name for path in out.iterdir()} == written
    assert (out / "tokenizer.json").read_text() == "tokenizer.json"
    assert (out / "model.safetensors").stat().st_mode == (out / "config.json").stat().st_mode
    models.save(decoder, checkpoint, source_dir=checkpoint)
    assert (checkpoint / "tokenizer.json").read_text() == "tokenizer.json"


def test_load__uses_the_requested_dtypes(checkpoint):
    decoder = models.load(checkpoint, compute=models.Compute(jnp.bfloat16))
    assert decoder.embedding_VD[...].dtype == jnp.float32 and decoder.compute_dtype == jnp.bfloat16
    assert models.load(checkpoint, dtype=jnp.bfloat16).compute_dtype == jnp.bfloat16


def test_load__lists_all_problems_at_once(checkpoint):
    def corrupt(values):
        values["model.layers.1.extra.weight"] = values.pop("model.layers.1.mlp.up_proj.weight")
        values[Q_PROJ] = values[Q_PROJ][:-1].copy()
        values["model.norm.weight"] = values["model.norm.weight"].astype(np.int32)

    rewrite(checkpoint, corrupt)
    with pytest.raises(CheckpointError) as caught:
        models.load(checkpoint)
    assert set(caught.value.problems) == {
        "missing: model.layers.1.mlp.up_proj.weight [48, 32]",
        "unexpected: model.layers.1.extra.weight [48, 32]",
        f"misshapen: {Q_PROJ} is [63, 32], config.json says [64, 32]",
        "unsupported dtype: model.norm.weight is I32, expected one of F32, BF16, F16",
    }
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    assert isinstance(caught.value, ModelError)


def test_load__accepts_tensors_that_follow_from_the_config(checkpoint):
    def add(values):
        values["lm_head.weight"] = values["model.embed_tokens.weight"].copy()
        values["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.ones(8, np.float32)

    rewrite(checkpoint, add)
    assert models.load(checkpoint).config.tie_embeddings


def test_load__rejects_a_different_unembedding_in_a_tied_model(checkpoint):
    def untie(values):
        values["lm_head.weight"] = values["model.embed_tokens.weight"].copy()
        values["lm_head.weight"][-1, -1] += 1

    rewrite(checkpoint, untie)
    with pytest.raises(
        CheckpointError, match=r"ties the embeddings, but lm_head.weight \[64, 32\] differs from model.embed"
    ):
        models.load(checkpoint)


def test_load__names_a_truncated_file(checkpoint):
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=r"model\.safetensors \(.* bytes\) is truncated"):
        models.load(checkpoint)
    file.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"model\.safetensors \(0 bytes\) is truncated"):
        models.load(checkpoint)


def test_load__never_reads_pickle(checkpoint):
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"only pickled weights \(pytorch_model.bin\), which are never read"):
        models.load(checkpoint)


def test_load__names_missing_files(checkpoint, tmp_path):
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model.safetensors is missing"):
        models.load(checkpoint)
    index = {"weight_map": {Q_PROJ: "model-00001-of-00002.safetensors"}}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="model-00001-of-00002.safetensors is missing"):
        models.load(checkpoint)
    for wrong in (None, [1], {}, {Q_PROJ: 3}, {Q_PROJ: "/etc/passwd"}, {Q_PROJ: "../model.safetensors"}):
        (checkpoint / "model.safetensors.index.json").write_text(json.dumps({"weight_map": wrong}))
        with pytest.raises(CheckpointError, match="index.json: weight_map"):
            models.load(checkpoint)
    (checkpoint / "config.json").unlink()
    with pytest.raises(CheckpointError, match="has no config.json: expected a Hugging Face model directory"):
        models.load(checkpoint)


def test_load__names_a_config_it_cannot_read(checkpoint):
    (checkpoint / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="config.json is not valid JSON"):
        models.load(checkpoint)
    (checkpoint / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="holds a list: expected a JSON object"):
        models.load(checkpoint)
    (checkpoint / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match=r"checkpoint: model_type 'bert' is not supported"):
        models.load(checkpoint)


def test_resolve__names_a_missing_directory(checkpoint, monkeypatch):
    assert models.resolve(str(checkpoint)) == checkpoint
    with pytest.raises(ModelError, match=r"no model directory '/no/such/directory': give a directory .* or a hub id"):
        models.resolve("/no/such/directory")
    with pytest.raises(ModelError, match="is a file: name the directory"):
        models.resolve(checkpoint / "config.json")


def test_resolve__downloads_safetensors_and_reports_why_it_failed(monkeypatch, tmp_path):
    request = {}

    def download(name, allow_patterns):
        request.update(name=name, patterns=allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert models.resolve("org/model-1.7B") == tmp_path
    assert request["name"] == "org/model-1.7B" and "*.safetensors" in request["patterns"]
    assert not any("bin" in pattern or pattern == "*" for pattern in request["patterns"])

    def offline(name, allow_patterns):
        raise OSError("no connection")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(ModelError, match="'org/model-1.7B', and it cannot be downloaded from the hub: no connection"):
        models.resolve("org/model-1.7B")


def test_save__rejects_a_shard_size_of_zero(checkpoint, tmp_path):
    with pytest.raises(ModelError, match="max_shard_bytes is 0"):
        models.save(models.load(checkpoint), tmp_path / "out", max_shard_bytes=0)
