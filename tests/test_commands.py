"""Laws of the one command: it lists and runs every command, imports only what runs, and works beside other packages."""

import io
import os
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from jaxrlvr.__main__ import COMMANDS, main, usage

ROOT = Path(__file__).parent.parent
MAIN = "\nif __name__ == "


def start(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder`; the project is on its path, after what Python itself puts there."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The console script, as pip writes it."""
    (tmp_path / "bin").mkdir()
    file = tmp_path / "bin" / "jaxrlvr"
    file.write_text("import sys\nfrom jaxrlvr.__main__ import main\nsys.exit(main())\n")
    return str(file)


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A directory with packages of the user's own that have the names of ours."""
    for name in ("models", "envs", "configs"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "__init__.py").touch()
    return tmp_path / "mine"


def test_list__has_every_module_that_python_m_runs() -> None:
    sources = [path for package in ("jaxrlvr", "envs", "models") for path in (ROOT / package).rglob("*.py")]
    runnable = {path.relative_to(ROOT).with_suffix("").parts for path in sources if MAIN in path.read_text()}
    modules = {".".join(parts).removesuffix(".__main__") for parts in runnable}
    assert {command.module for command in COMMANDS.values()} == modules - {"jaxrlvr"}
    assert all(name in usage() and command.summary.endswith(".") for name, command in COMMANDS.items())


def test_script__is_installed() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["scripts"] == {"jaxrlvr": "jaxrlvr.__main__:main"}


@pytest.mark.parametrize("words", [[], ["--help"]], ids=str)
def test_list__is_printed_without_importing_a_command(tmp_path: Path, words: list[str]) -> None:
    ran = start(tmp_path, "-X", "importtime", "-m", "jaxrlvr", *words)
    assert (ran.returncode, ran.stdout) == (0, usage() + "\n")
    assert not {"jax", "numpy", "models", "envs"} & {line.split("|")[-1].strip() for line in ran.stderr.splitlines()}


def test_command__that_is_unknown_is_refused_with_the_nearest(tmp_path: Path) -> None:
    ran = start(tmp_path, "-m", "jaxrlvr", "trian")
    assert (ran.returncode, ran.stderr) == (2, "error: unknown command 'trian'; did you mean train?\n")


def run_here(patch: pytest.MonkeyPatch, *words: str) -> tuple[object, str, str]:
    """Run `jaxrlvr WORDS` in this process, which has imported most of it; return its exit code, stdout and stderr."""
    patch.setenv("JAXRLVR_PROGRAM", "")
    patch.setenv("COLUMNS", "200")
    patch.setattr(sys, "argv", ["jaxrlvr", *words])
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err, pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0, out.getvalue(), err.getvalue()


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", COMMANDS)
def test_command__explains_itself_and_refuses_nonsense_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    code, out, err = run_here(monkeypatch, name, "--help")
    assert (code, err) == (0, "") and out.startswith(f"usage: jaxrlvr {name} ")
    assert COMMANDS[name].summary in out and "python -m" not in out.split(COMMANDS[name].summary)[0]
    code, out, err = run_here(monkeypatch, name, "--nonsense")
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith("error: ")


def test_usage__of_a_module_that_python_m_runs_says_so() -> None:
    assert start(ROOT, "-m", "envs.audit", "--help").stdout.startswith("usage: python -m envs.audit ")


@pytest.mark.parametrize("words", ["jaxrlvr", "jaxrlvr audit --help", "models.describe --help"])
def test_command__whose_reader_has_left_prints_no_traceback(words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", *words.split()]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}  # argparse itself ignores errors of unbuffered writes
    ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=write, stderr=subprocess.PIPE, timeout=120)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_command__of_envs_runs_beside_packages_of_our_names_and_without_jax(crowded: Path, script: str) -> None:
    ran = start(crowded, "-X", "importtime", script, "audit", "nope")
    assert ran.returncode == 2 and "error: unknown scenario 'nope'" in ran.stderr
    assert not {"jax", "numpy"} & {line.split("|")[-1].strip() for line in ran.stderr.splitlines()}


def test_command__of_the_learner_runs_beside_packages_of_our_names(crowded: Path, script: str) -> None:
    ran = start(crowded, script, "train", "--stepz", "3")
    assert ran.returncode == 2 and ran.stderr.startswith("error: unknown argument --stepz; did you mean --steps")


@pytest.mark.parametrize("name", ["models", "envs"])
def test_module__that_another_package_hides_names_it_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    ran = start(tmp_path, "-m", "jaxrlvr.train", "--help")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert ran.stderr.startswith(f"error: {tmp_path / name} is imported instead of jaxrlvr's own package '{name}'")


def test_module__that_a_plain_folder_hides_in_an_editable_installation_names_it(tmp_path: Path) -> None:
    """Without __init__.py a folder hides only what is found later than the path, as an editable installation is."""
    (tmp_path / "models").mkdir()
    code = (
        f"import sys, runpy; from importlib.machinery import PathFinder; sys.path.remove({str(ROOT)!r})\n"
        "class Editable:\n"
        f"    find_spec = staticmethod(lambda name, *_: PathFinder.find_spec(name, [{str(ROOT)!r}]))\n"
        "sys.meta_path.insert(sys.meta_path.index(PathFinder) + 1, Editable); sys.argv = ['-m']\n"
        "runpy.run_module('jaxrlvr.train', run_name='__main__')"
    )
    ran = start(tmp_path, "-c", code)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1) and str(tmp_path / "models") in ran.stderr


def test_config__whose_package_another_one_hides_names_it_in_one_line(crowded: Path) -> None:
    """Where the installation is not editable: an editable one finds `configs.qwen3` all the same."""
    for name in ("models", "envs"):
        (crowded / name / "__init__.py").unlink()
        (crowded / name).rmdir()
    code = (
        "import sys\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if not getattr(f, '__module__', '').startswith('__editable__')]\n"
        "from jaxrlvr.preflight.config_file import load_config\n"
        f"load_config({str(ROOT / 'configs' / 'qwen3_4b.py')!r}, object)"
    )
    ran = start(crowded, "-c", code)
    assert ran.returncode == 1 and f"but {crowded / 'configs'} is imported instead of" in ran.stderr.splitlines()[-1]


def test_import__of_the_library_beside_another_package_raises_an_import_error(tmp_path: Path) -> None:
    (tmp_path / "models.py").touch()
    ran = start(tmp_path, "-c", "import jaxrlvr")
    assert ran.returncode == 1 and f"ImportError: {tmp_path / 'models.py'} is imported instead" in ran.stderr
