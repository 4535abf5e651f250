"""A site served on a loopback socket by a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from envs.api.world import World
from envs.confluence.world import put_page, put_space
from envs.http import Gateway
from envs.serve import APIS, bind, server
from tests.envs.confluence.site import HOME, TEXT, A, B
from tests.envs.jira.site import site


def both_sites() -> World:
    """Return the tests' small Jira with a Confluence space AA, which has a homepage and a page "Handbook"."""
    world = site().world
    put_page(world, B, put_space(world, A, HOME, "AA", "Aa"), HOME, "Handbook", dict(TEXT))
    return world


@contextmanager
def served(world: World, **options) -> Iterator[tuple[str, Gateway]]:
    """Serve a site until the block ends; yields its address and the gateway."""
    bound = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    gateway = Gateway(world, APIS, address, **options)
    uvicorn_server = server(gateway)
    thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield address, gateway
    finally:
        uvicorn_server.should_exit = True
        thread.join(20)
        bound.close()
        assert not thread.is_alive()
