"""A site that is really served: a socket on loopback, a server in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from envs.api.world import World
from envs.confluence.world import put_page, put_space
from envs.http import Site
from envs.serve import APIS, bind, server
from tests.envs.confluence.site import HOME, TEXT, A, B
from tests.envs.jira.site import site


def both_sites() -> World:
    """The small Jira of the tests, and a space AA with a homepage and a page "Handbook"."""
    world = site().world
    put_page(world, B, put_space(world, A, HOME, "AA", "Aa"), HOME, "Handbook", dict(TEXT))
    return world


@contextmanager
def served(world: World, **options) -> Iterator[tuple[str, Site]]:
    """The address of a served site and the site, until the block ends."""
    bound = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    made = Site(world, APIS, address, **options)
    answering = server(made)
    thread = threading.Thread(target=answering.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield address, made
    finally:
        answering.should_exit = True
        thread.join(20)
        bound.close()
        assert not thread.is_alive()
