"""Serve a simulated Jira and Confluence over HTTP: `python -m envs.serve [--port 8080] [--scenario NAME --seed 3]`

    GET /rest/api/3/...  /rest/api/2/...  /rest/agile/1.0/...  /wiki/api/v2/...  /wiki/rest/api/...

Without a scenario the site is made up: a project with issues and a space with pages. The state lives as long as
the process. Needs the extra `serve`: pip install -e ".[serve]".
"""

import importlib.util
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envs.api.errors import EnvError
from envs.api.faults import Faults
from envs.api.world import World
from envs.cli import Parser, run
from envs.confluence import CONFLUENCE
from envs.example_site import made_up_site
from envs.http.gateway import BODY_LIMIT, Site
from envs.jira import JIRA
from envs.scenarios import sample
from envs.words import SPLITS

if TYPE_CHECKING:
    import uvicorn

APIS = (JIRA, CONFLUENCE)


def main(arguments: Sequence[str]) -> int:
    """Serve until interrupted. Raises EnvError for what cannot be served."""
    parser = Parser(prog="python -m envs.serve", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="loopback unless you say otherwise")
    parser.add_argument("--user", default="", help="with --token: the only user who is let in")
    parser.add_argument("--token", default="", help="ask for basic authentication with this token")
    parser.add_argument("--scenario", help="serve the site of a scenario's task")
    parser.add_argument("--seed", type=int, default=0, help="of the task or the made-up site")
    parser.add_argument("--split", default="train", choices=SPLITS)
    parser.add_argument("--issues", type=int, default=12, help="of the made-up site")
    parser.add_argument("--pages", type=int, default=6, help="of the made-up site")
    parser.add_argument("--fault-seed", type=int, default=0)
    parser.add_argument("--limited", type=float, default=0.0, help="chance of 429 per request")
    parser.add_argument("--conflict", type=float, default=0.0, help="chance of 409 per write")
    parser.add_argument("--broken", type=float, default=0.0, help="chance of 500 per request")
    parser.add_argument("--body-limit", type=int, default=BODY_LIMIT, help="bytes")
    options = parser.parse_args(arguments)
    if options.user and not options.token:
        raise EnvError("--user is checked together with --token: give both")
    if options.body_limit < 0:
        raise EnvError(f"--body-limit is a number of bytes, not {options.body_limit}")
    world, own = _served(options.scenario, options.seed, options.split, options.issues, options.pages)
    chances = {"limited": options.limited, "conflict": options.conflict, "broken": options.broken}
    faults = replace(own, seed=options.fault_seed, **chances)
    for library in ("starlette", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            raise EnvError(f'serving needs {library}: pip install -e ".[serve]"')
    bound = bind(options.host, options.port)
    address = f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{bound.getsockname()[1]}"
    credentials = (options.user, options.token) if options.token else None
    site = Site(world, APIS, address, credentials, faults, options.body_limit)
    serve(site, bound, f"Jira and Confluence are at {address}; Ctrl-C ends them.")
    return 0


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises EnvError for a port that is taken or none, and for a host that is not here."""
    if not 0 <= port <= 65535:
        raise EnvError(f"a port is a number from 0 to 65535, not {port}")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen()
    except OSError as error:
        bound.close()
        raise EnvError(
            f"cannot listen on {host} port {port} ({error.strerror or error}); another --port may be free, 0 finds one"
        ) from error
    return bound


def serve(site: Site, bound: socket.socket, greeting: str = "") -> None:
    """Answer requests on a bound socket until the process is interrupted."""
    answering = server(site)
    if greeting:
        print(greeting, flush=True)
    try:
        answering.run(sockets=[bound])
    except KeyboardInterrupt:
        pass


def server(site: Site) -> "uvicorn.Server":
    """What answers for a site: `run` it with a bound socket; it ends once `should_exit` is set."""
    import uvicorn  # the only place that needs the extra `serve`, with the next line

    from envs.http.app import app

    # h11 hands on absolute request targets as they came; lifespan and logs are of no use here.
    return uvicorn.Server(uvicorn.Config(app(site), http="h11", lifespan="off", log_level="error", access_log=False))


def _served(scenario: str | None, seed: int, split: str, issues: int, pages: int) -> tuple[World, Faults]:
    """A task's site and faults, or a made-up site that has none."""
    if scenario is not None:
        task = sample(scenario, seed, split)
        return task.world, task.faults or Faults()
    if not 1 <= issues <= 1000 or not 1 <= pages <= 500:
        raise EnvError(f"a made-up site has 1 to 1000 issues and 1 to 500 pages, not {issues} and {pages}")
    return made_up_site(issues, pages, seed), Faults()


if __name__ == "__main__":
    run(main)
