"""Rules of the source tree that a machine can check."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from jaxrlvr.config import RunConfig
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.preflight.validation import check

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {"configs": {"jaxrlvr", "models", "envs"}, "jaxrlvr": {"models", "envs"}, "models": set(), "envs": set()}
SOURCES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]
FILES = SOURCES + [path for folder in ("tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
TREES = {path: ast.parse(path.read_text()) for path in FILES}
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.py") if path.stem != "__init__")
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
each_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


ROOMS = {
    "jaxrlvr": (
        ("__main__", "train", "sft", "evaluate", "export"),
        ("preflight",),
        ("collection",),
        ("config",),
        ("monitoring",),
        ("evaluation",),
        ("imitation",),
        ("learning",),
        ("rollout",),
        ("storage",),
        ("sampling",),
        ("runtime",),
    ),
    "envs": (
        ("serve", "reference", "rescore"),
        ("stored_episodes",),
        ("audit",),
        ("scripted_policies",),
        ("example_site",),
        ("episode",),
        ("scenarios",),
        ("requests",),
        ("reward",),
        ("episode_record",),
        ("task", "trace"),
        ("claims",),
        ("http", "jira", "confluence"),
        ("parsing",),
        ("api", "cli", "renamed", "dropped"),
        ("dropped",),
        ("words",),
    ),
}
"""The rooms of a package, top to bottom: folders, and modules that lie beside them."""


def module_name(path: Path) -> str:
    """The dotted name of a file's module; a package's __init__ has the package's name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> tuple[str, ...]:
    """The room of a module. Raises AssertionError for one that is in no room."""
    package, room = module.split(".")[:2]
    levels = [names for names in ROOMS[package] if room in names]
    assert levels, f"{module} is in no room: add {room} to ROOMS at its level"
    return levels[0]


def imported_modules(path: Path) -> set[str]:
    """The modules of this repository that a module imports, inside functions too."""
    known = {module_name(source) for source in SOURCES}
    names = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & known
            names |= submodules or {node.module}
    return names & known


def imported(tree: ast.Module) -> set[str]:
    """The top-level names of everything that a module imports, inside functions too."""
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


@each_file
def test_file__is_short_and_named_for_what_it_holds(path: Path) -> None:
    written = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(written) <= (40 if path.name == "__init__.py" else 450)
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}
    assert ast.get_docstring(TREES[path]), "a module says what it is"


@each_source
def test_function__fits_a_page(path: Path) -> None:
    functions = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 60] == []


@each_source
def test_public__has_a_docstring(path: Path) -> None:
    top = [node for node in TREES[path].body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    methods = [node for definition in top if isinstance(definition, ast.ClassDef) for node in definition.body]
    named = [node for node in top + methods if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert [n.name for n in named if not n.name.startswith("_") and not ast.get_docstring(n)] == []


@each_source
def test_imports__go_down_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert imported(TREES[path]) & MAY_IMPORT.keys() <= MAY_IMPORT[package] | {package}
    if package == "envs":
        web = {"starlette", "uvicorn"} if path.name == "serve.py" or path.parent.name == "http" else set()
        assert imported(TREES[path]) <= sys.stdlib_module_names | {"envs", "fastjsonschema"} | web


@each_source
def test_imports__go_down_from_room_to_room(path: Path) -> None:
    """A module imports from its own room and from rooms below it; order of rooms: ROOMS."""
    package = path.relative_to(ROOT).parts[0]
    rooms = ROOMS.get(package, ())
    if not rooms or path == ROOT / package / "__init__.py":
        return
    level = rooms.index(room_of(module_name(path)))
    upward = {name for name in imported_modules(path) if name.split(".")[0] == package and name.count(".")
              and rooms.index(room_of(name)) < level}  # fmt: skip
    assert upward == set()


@pytest.mark.parametrize("package", ["envs", "jaxrlvr", "models"])
def test_imports__form_no_circle(package: str) -> None:
    """Also within a room, some order of the modules exists in which imports only point down."""
    of_package = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == package]
    graph = {module_name(path): imported_modules(path) - {package} for path in of_package}
    TopologicalSorter({name: imports & graph.keys() for name, imports in graph.items()}).prepare()


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "__init__.py"], ids=lambda p: p.parent.name)
def test_room__is_described_by_one_sentence(path: Path) -> None:
    sentence = " ".join((ast.get_docstring(TREES[path]) or "").split("\n\n")[0].split())
    assert sentence.endswith(".") and ". " not in sentence and "other" not in sentence.lower().split()


def test_envs__load_without_jax_or_numpy() -> None:
    code = "import sys, envs; assert not {'jax', 'flax', 'numpy', 'models', 'jaxrlvr'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config__builds_and_can_run(path: Path) -> None:
    if isinstance(config := load_config(str(path), object), RunConfig):
        check(config, None)


def test_config__every_field_is_read() -> None:
    read = {n.attr for path in SOURCES for n in ast.walk(TREES[path]) if isinstance(n, ast.Attribute)}
    classes = [node for path in SOURCES for node in TREES[path].body if isinstance(node, ast.ClassDef)]
    parts = [part.target for cls in classes if cls.name.endswith("Config") for part in cls.body
             if isinstance(part, ast.AnnAssign)]  # fmt: skip
    assert parts and {part.id for part in parts if isinstance(part, ast.Name)} - read == set()


def test_readme__tree_is_the_real_tree() -> None:
    section = (ROOT / "README.md").read_text().split("## The tree")[1].split("\n## ")[0]
    rooms = set(re.findall(r"^ {4}(\w+)/", section, re.M))
    assert rooms and all((ROOT / name).is_dir() for name in rooms)
    known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)  # empty outside a clone
    assert {line.split("/")[0] for line in known.stdout.splitlines() if "/" in line and line[0] != "."} <= rooms
    assert "Apache License" in (ROOT / "LICENSE").read_text()
