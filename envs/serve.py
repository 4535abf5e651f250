"""Serve a simulated Jira and Confluence over HTTP.

    python -m envs.serve [--port 8080] [--scenario NAME --seed 3]

It answers these paths:

    GET /rest/api/3/...  /rest/api/2/...  /rest/agile/1.0/...  /wiki/api/v2/...  /wiki/rest/api/...

Without a scenario it serves an example site: a project with issues and a space with pages. The state lasts as long as
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
from envs.cli import Parser, program, run
from envs.confluence import CONFLUENCE
from envs.example_site import made_up_site
from envs.http.gateway import BODY_LIMIT, Gateway
from envs.jira import JIRA
from envs.scenarios import sample
from envs.words import SPLITS

if TYPE_CHECKING:
    import uvicorn

APIS = (JIRA, CONFLUENCE)


def main(arguments: Sequence[str]) -> int:
    """Serve until interrupted. Raises EnvError for invalid options, an address in use, or missing packages."""
    parser = Parser(prog=program("envs.serve"), description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, metavar="N", default=8080, help="0 picks a free port")
    parser.add_argument("--host", metavar="NAME", default="127.0.0.1", help="default: loopback only")
    parser.add_argument("--user", metavar="NAME", default="", help="with --token: accept this user only")
    parser.add_argument("--token", metavar="TEXT", default="", help="require basic authentication with this token")
    parser.add_argument("--scenario", metavar="NAME", help="serve the site of a task of this scenario")
    parser.add_argument("--seed", type=int, metavar="N", default=0, help="seed of the task or of the example site")
    parser.add_argument("--split", default="train", choices=SPLITS, help="split of the task")
    parser.add_argument("--issues", type=int, metavar="N", default=12, help="issues of the example site, 1 to 1000")
    parser.add_argument("--pages", type=int, metavar="N", default=6, help="pages of the example site, 1 to 500")
    parser.add_argument("--fault-seed", type=int, metavar="N", default=0, help="seed of the random faults")
    parser.add_argument("--limited", type=float, metavar="N", default=0.0, help="probability of status 429 per request")
    parser.add_argument("--conflict", type=float, metavar="N", default=0.0, help="probability of status 409 per write")
    parser.add_argument("--broken", type=float, metavar="N", default=0.0, help="probability of status 500 per request")
    parser.add_argument("--body-limit", type=int, metavar="N", default=BODY_LIMIT, help="largest request body in bytes")
    options = parser.parse_args(arguments)
    if options.user and not options.token:
        raise EnvError("--user has no effect without --token: give both")
    if options.body_limit < 0:
        raise EnvError(f"--body-limit should be a number of bytes, not {options.body_limit}")
    world, task_faults = _served(options.scenario, options.seed, options.split, options.issues, options.pages)
    chances = {"limited": options.limited, "conflict": options.conflict, "broken": options.broken}
    faults = replace(task_faults, seed=options.fault_seed, **chances)
    for library in ("starlette", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            raise EnvError(f'serving needs {library}: pip install -e ".[serve]"')
    bound = bind(options.host, options.port)
    address = f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{bound.getsockname()[1]}"
    credentials = (options.user, options.token) if options.token else None
    site = Gateway(world, APIS, address, credentials=credentials, faults=faults, body_limit=options.body_limit)
    serve(site, bound, f"Serving Jira and Confluence at {address}; press Ctrl-C to stop.")
    return 0


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises EnvError for a port out of range or in use, or a host that is not local."""
    if not 0 <= port <= 65535:
        raise EnvError(f"--port should be a number from 0 to 65535, not {port}")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen()
    except OSError as error:
        bound.close()
        raise EnvError(
            f"cannot listen on {host} port {port} ({error.strerror or error}); try another --port, or 0 for a free one"
        ) from error
    return bound


def serve(site: Gateway, bound: socket.socket, greeting: str = "") -> None:
    """Answer requests on a listening socket until the process is interrupted."""
    uvicorn_server = server(site)
    if greeting:
        print(greeting, flush=True)
    try:
        uvicorn_server.run(sockets=[bound])
    except KeyboardInterrupt:
        pass


def server(site: Gateway) -> "uvicorn.Server":
    """Return the server of a site: call its `run` with listening sockets; set `should_exit` to stop it."""
    import uvicorn  # here and in the next line, because only this function needs the extra `serve`

    from envs.http.app import app

    # h11 passes absolute request targets on unchanged. The application has no lifespan events; logs would be noise.
    return uvicorn.Server(uvicorn.Config(app(site), http="h11", lifespan="off", log_level="error", access_log=False))


def _served(scenario: str | None, seed: int, split: str, issues: int, pages: int) -> tuple[World, Faults]:
    """Return a task's site and faults, or the example site without faults."""
    if scenario is not None:
        task = sample(scenario, seed, split)
        return task.world, task.faults or Faults()
    if not 1 <= issues <= 1000 or not 1 <= pages <= 500:
        raise EnvError(f"the example site has 1 to 1000 issues and 1 to 500 pages, not {issues} and {pages}")
    return made_up_site(issues, pages, seed), Faults()


if __name__ == "__main__":
    run(main)
