"""Run peers in separate virtual environments, created on first use; their last line of output is JSON.

In: a name, the pip requirements, a script in `peers/`, and its options. Out: the figures that the script printed.
"""

import importlib.metadata
import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "peers"
TUNIX = ("google-tunix==0.1.7",)
TRANSFORMERS = ("torch==2.13.0", "transformers>=5.0")


def ask(name: str, requirements: Sequence[str], script: str, options: dict[str, Any]) -> dict[str, Any]:
    """Run `peers/SCRIPT` with the options as JSON. Raises RuntimeError with the script's stderr if it fails."""
    command = [str(python(name, requirements)), str(SCRIPTS / script), json.dumps(options)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    completed = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=SCRIPTS)
    if completed.returncode:
        raise RuntimeError(f"{script} failed:\n{completed.stderr[-2000:]}")
    return json.loads(completed.stdout.strip().splitlines()[-1])


def python(name: str, requirements: Sequence[str]) -> Path:
    """Return an interpreter that has the requirements: this one if possible, else a virtual environment's."""
    if all(map(_is_here, requirements)):
        return Path(sys.executable)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("JAXRLVR_PEERS") or home / "jaxrlvr" / "peers") / name
    interpreter, done = folder / "bin" / "python", folder / "installed.txt"
    if not (done.exists() and done.read_text() == "\n".join(requirements)):
        print(f"installing {', '.join(requirements)} into {folder} ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", *requirements], check=True)
        done.write_text("\n".join(requirements))
    return interpreter


def _is_here(requirement: str) -> bool:
    name, _, wanted = requirement.partition("==")
    try:
        version = importlib.metadata.version(name.partition(">=")[0])
    except importlib.metadata.PackageNotFoundError:
        return False
    return version.partition("+")[0] == wanted if wanted else True
