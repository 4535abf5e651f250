"""Laws of the command line of `train`, and of the run directory that it makes or takes up."""

import json
from dataclasses import replace

import pytest

from envs.reward.verdict import RULES
from jaxrlvr.config import RunConfig
from jaxrlvr.preflight.arguments import apply_arguments, consequences, read_arguments
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import differences, from_json, to_json
from jaxrlvr.storage.run_directory import SCORING_RULES, RunDirectory, is_run


@pytest.fixture
def config_file(tmp_path, tiny_run):
    """The tiny run as a config file."""
    file = tmp_path / "mine.py"
    text = to_json(tiny_run)
    file.write_text(
        "from jaxrlvr.config import RunConfig\nfrom jaxrlvr.runtime.settings import from_json\n\n\n"
        f"def config():\n    return from_json('''{text}''', RunConfig)\n"
    )
    return str(file)


@pytest.fixture
def stored(tmp_path, tiny_run):
    """A run directory without steps."""
    run = RunDirectory.reserve(str(tmp_path / "run"), "x")
    run.begin(to_json(replace(tiny_run, run_dir=str(run.path))))
    return run


def refused(arguments):
    with pytest.raises(UserError) as raised:
        read_arguments([str(argument) for argument in arguments])
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_arguments__none_are_the_default_run():
    arguments = read_arguments([])
    assert (
        arguments.name == "tiny"
        and isinstance(arguments.config, RunConfig)
        and not arguments.dry_run
        and arguments.resumed is None
    )


def test_arguments__take_file_flags_and_fields_in_any_order(config_file):
    arguments = read_arguments(
        [config_file, "--steps", "9", "--dry-run", "--model=some/model", "--grpo.kl-beta", "0.1"]
    )
    assert arguments.name == "mine" and arguments.dry_run
    assert (arguments.config.steps, arguments.config.policy.model, arguments.config.grpo.kl_beta) == (
        9,
        "some/model",
        0.1,
    )
    assert read_arguments([config_file, "--model", "x"]).config.policy.model == "x"


def test_arguments__flag_without_a_value_is_refused():
    assert refused(["--resume"]) == "--resume needs a value"
    assert refused(["--model"]) == "--model needs a value"


def one_line(raised):
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_arguments__change_fields_of_any_section(tiny_run):
    changed = apply_arguments(
        tiny_run,
        [
            "--steps",
            "7",
            "--optimizer.learning-rate",
            "0.5",
            "--rollout.suffix-buckets",
            "3",
            "9",
            "--policy.mesh.fsdp=2",
        ],
        "train",
    )
    assert changed.steps == 7 and changed.optimizer.learning_rate == 0.5
    assert changed.rollout.suffix_buckets == (3, 9) and changed.policy.mesh.fsdp == 2
    assert differences(tiny_run, changed) == [
        "steps",
        "policy.mesh.fsdp",
        "rollout.suffix_buckets",
        "optimizer.learning_rate",
    ]


def test_arguments__none_change_nothing(tiny_run):
    assert apply_arguments(tiny_run, [], "train") == tiny_run
    assert differences(tiny_run, tiny_run) == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--optimizer.learning-rat", "--optimizer.learning-rate"),
        ("--learning_rate", "--optimizer.learning-rate"),
        ("--rollout.groupsize=4", "--rollout.group-size"),
        ("--step", "--steps"),
    ],
)
def test_arguments__unknown_key_names_the_nearest(tiny_run, given, meant):
    with pytest.raises(UserError) as raised:
        apply_arguments(tiny_run, [given, "1"], "train")
    assert given.split("=")[0] in one_line(raised) and meant in one_line(raised)


def test_arguments__unknown_key_like_no_other_points_to_help(tiny_run):
    with pytest.raises(UserError, match="unknown argument --zzzzqqqq; see --help"):
        apply_arguments(tiny_run, ["--zzzzqqqq"], "train")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--steps", "x"], "--steps is 'x', expected int"),
        (["--optimizer.learning-rate=fast"], "--optimizer.learning-rate is 'fast', expected float"),
        (
            ["--rollout.untagged-calls=maybe"],
            "--rollout.untagged-calls takes no value, not 'maybe': write --rollout.untagged-calls or "
            "--rollout.no-untagged-calls",
        ),
        (["--steps", "3", "more"], "unknown argument more; see --help"),
        (["--rollout.untagged-calls", "--zzzzqqqq"], "unknown argument --zzzzqqqq; see --help"),
    ],
    ids=str,
)
def test_arguments__wrong_value_names_the_option_and_the_value(tiny_run, given, message):
    with pytest.raises(UserError) as raised:
        apply_arguments(tiny_run, given, "train")
    assert str(raised.value) == message


@pytest.mark.parametrize("given", [["--steps", "many"], ["--steps"], ["--policy.compute-dtype", "float8"]])
def test_arguments__value_of_the_wrong_kind_is_refused_in_one_line(tiny_run, given, capsys):
    with pytest.raises(UserError) as raised:
        apply_arguments(tiny_run, given, "train")
    assert given[0] in one_line(raised)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--rollout.places", "8"], "--rollout.places is now --rollout.slots"),
        (["--rollout.answer_share=0.3"], "--rollout.answer-share is now --rollout.return-fraction"),
        (["--rollout.no-lenient"], "--rollout.no-lenient is now --rollout.no-untagged-calls"),
        (["--rollout.lenient"], "--rollout.lenient is now --rollout.untagged-calls"),
        (["--steps", "3", "--rollout.trace-only"], "--rollout.trace-only is now --rollout.trace-reward-scenarios"),
    ],
    ids=str,
)
def test_arguments__former_option_names_the_new_one(tiny_run, given, message):
    with pytest.raises(UserError) as raised:
        apply_arguments(tiny_run, given, "train")
    assert str(raised.value) == message


def test_resume__across_other_rules_of_scoring_is_refused_unless_forced(stored):
    (stored.path / "metrics.jsonl").touch()
    for rules, number in ((RULES - 1, RULES - 1), (None, 1)):
        stored.save_result(SCORING_RULES, rules)
        with pytest.raises(UserError, match=f"was scored by version {number} of the rules of rewards, .* --force"):
            read_arguments(["--resume", str(stored.path)])
        assert read_arguments(["--resume", str(stored.path), "--force"]).resumed.path == stored.path


def test_resume__takes_up_the_config_of_the_run(stored, tiny_run):
    arguments = read_arguments(["--resume", str(stored.path)])
    assert arguments.resumed.path == stored.path
    assert replace(arguments.config, run_dir="") == tiny_run


def test_resume__may_change_what_earlier_steps_do_not_depend_on(stored):
    changes = ["--steps", "50", "--checkpoint-every", "7", "--keep-checkpoints", "9", "--evaluation.tasks", "1"]
    changes += ["--evaluation.every", "3", "--evaluation.batch", "4"]
    config = read_arguments(["--resume", str(stored.path), *changes]).config
    assert (config.steps, config.checkpoint_every, config.evaluation.every) == (50, 7, 3)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (["--seed", "5"], "seed"),
        (["--optimizer.learning-rate", "0.1"], "optimizer.learning_rate"),
        (["--rollout.group-size", "2", "--steps", "9"], "rollout.group_size"),
        (["--tasks.per-step", "4", "--tasks.scenarios", "jira_create_issue"], "tasks.scenarios, tasks.per_step"),
        (["--model", "other"], "policy.model"),
    ],
)
def test_resume__refuses_another_run_by_the_names_of_what_differs(stored, change, name):
    assert f"cannot continue with a different {name}: start a new run" in refused(["--resume", stored.path, *change])


def test_resume__of_another_run_goes_on_if_forced_and_says_what_that_means(stored):
    arguments = read_arguments(["--resume", str(stored.path), "--seed", "5", "--steps", "9", "--force"])
    assert arguments.config.seed == 5 and arguments.changed == ("steps", "seed")
    message = "continuing with a different steps, seed; forced: from here on, seed make it a different run"
    assert consequences(arguments.config, arguments.changed) == message


def test_resume__on_other_devices_goes_on_and_says_that_digits_may_change(stored):
    arguments = read_arguments(["--resume", str(stored.path), "--learner.micro-groups", "2"])
    assert consequences(arguments.config, arguments.changed).endswith(
        "learner.micro_groups may change the last digits of results"
    )
    assert consequences(arguments.config, ("steps",)) == "continuing with a different steps"


def test_resume__cannot_be_forced_from_in_turn_to_one_step_ahead(stored):
    message = refused(["--resume", str(stored.path), "--rollout.asynchronous", "--force"])
    assert "not even with --force: its checkpoints lack the policy that samples ahead" in message


def test_resume__of_a_config_with_former_names_finds_nothing_changed(stored, tiny_run):
    file = stored.path / "config.json"
    values = json.loads(file.read_text())
    rollout = values["rollout"]
    for old, new in (("places", "slots"), ("lenient", "untagged_calls"), ("answer_share", "return_fraction")):
        rollout[old] = rollout.pop(new)
    file.write_text(json.dumps(values))
    arguments = read_arguments(["--resume", str(stored.path)])
    assert arguments.changed == () and arguments.config.rollout == tiny_run.rollout


def test_force__without_a_run_to_resume_is_refused():
    assert "--force needs --resume" in refused(["--force"])


def test_resume__refuses_a_config_file_beside_it(stored, config_file):
    assert "takes the config from the run" in refused([config_file, "--resume", stored.path])


def test_resume__of_what_is_no_run_is_refused(tmp_path, model_directory):
    assert "is not a run directory" in refused(["--resume", tmp_path / "nothing"])
    assert "does not know" in refused(["--resume", model_directory])


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"steps": 2', '{"policy": 3}', '{"policy": []}'])
def test_resume__of_a_broken_config_is_refused(stored, text):
    (stored.path / "config.json").write_text(text)
    assert "config" in refused(["--resume", stored.path])


def test_begin__writes_the_config(stored, tiny_run):
    assert replace(from_json((stored.path / "config.json").read_text(), RunConfig), run_dir="") == tiny_run


def test_reserve__names_a_new_directory_after_the_config(tmp_path, tiny_run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = RunDirectory.reserve("", "mine")
    first.begin(to_json(tiny_run))
    second = RunDirectory.reserve("", "mine")
    assert first.path != second.path and first.path.parent.name == "runs" and first.path.name.startswith("mine-")


def reserve_refused(path):
    with pytest.raises(UserError) as raised:
        RunDirectory.reserve(str(path), "x")
    assert "\n" not in str(raised.value) and str(path) in str(raised.value)
    return str(raised.value)


def test_reserve__refuses_the_directory_of_another_run_and_leaves_it_alone(stored):
    before = (stored.path / "config.json").read_text()
    assert "holds another run" in reserve_refused(stored.path)
    assert (stored.path / "config.json").read_text() == before


def test_reserve__refuses_a_directory_that_is_not_empty(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "is not empty" in reserve_refused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_reserve__refuses_what_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("a file")
    for path in (file, file / "run"):
        assert "cannot write run directory" in reserve_refused(path)
    assert file.read_text() == "a file"


def test_reserve__writes_nothing(tmp_path):
    RunDirectory.reserve(str(tmp_path / "a" / "b"), "x")
    assert list(tmp_path.iterdir()) == []


def test_begin__that_cannot_write_says_so(tmp_path, tiny_run):
    run = RunDirectory.reserve(str(tmp_path / "a" / "b"), "x")
    (tmp_path / "a").write_text("came in between")
    with pytest.raises(UserError, match="cannot write run directory .*choose another --run-dir"):
        run.begin(to_json(tiny_run))


def test_reserve__takes_an_empty_directory(tmp_path):
    assert RunDirectory.reserve(str(tmp_path), "x").path == tmp_path


def test_remember__is_recalled_by_a_later_process(stored):
    assert stored.load_result("before") is None
    stored.save_result("before", {"greedy": {"x": {"reward": 0.25}}})
    again = RunDirectory.open(str(stored.path))
    assert again.load_result("before") == {"greedy": {"x": {"reward": 0.25}}}


def test_forget_after__drops_later_steps_and_half_a_line(stored):
    file = stored.episodes / "train.jsonl"
    stored.forget_after(1)
    assert not file.exists()
    stored.episodes.mkdir()
    # Not line ends in JSON, though Python would split there.
    lines = '{"step": 1, "text": "a\u2028b\x85c"}\n'
    file.write_text(lines + '{"step": 2, "text": ""}\n{"step": 1, "te', encoding="utf-8")
    stored.forget_after(1)
    assert file.read_text(encoding="utf-8") == lines
    assert list(stored.episodes.iterdir()) == [file]


def test_is_run__tells_a_run_from_a_model(stored, model_directory):
    stored.checkpoints.mkdir()
    assert is_run(stored.path) and not is_run(model_directory)


def test_summary__is_json(stored):
    stored.write_summary({"steps": 3})
    assert json.loads(stored.summary.read_text()) == {"steps": 3}
