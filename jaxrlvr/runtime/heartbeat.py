"""Processes of one run keep an eye on each other: when one is lost, the others end at once and say so.

Without this they would wait in a collective operation for somebody who never comes. Every process holds a connection to
the first one. A connection that breaks, or over which nothing was heard for `SILENCE` seconds, is a lost process; a
process that has finished says so before it closes.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

BEAT, SILENCE = 5.0, 40.0
"""Seconds between signs of life, and after which somebody is taken for lost."""


def end(message: str) -> NoReturn:
    """Say why and end this process, whatever its other threads are waiting for."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    os._exit(1)


class Heartbeat:
    """The connections of one process: to the first one, or on that one to all others."""

    def __init__(self, connections: dict[int, socket.socket], lost: Callable[[int], None]) -> None:
        self._connections, self._lost, self._leaving = connections, lost, False
        for other, connection in connections.items():
            connection.settimeout(SILENCE)
            threading.Thread(target=self._listen, args=(other, connection), daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    def leave(self) -> None:
        """Tell the others that this process has finished."""
        self._leaving = True
        self._say("bye")

    def _say(self, line: str) -> None:
        for connection in self._connections.values():
            try:
                connection.sendall(f"{line}\n".encode())
            except OSError:
                continue  # whoever listens to that connection notices

    def _beat(self) -> None:
        while not self._leaving:
            self._say("here")
            time.sleep(BEAT)

    def _listen(self, other: int, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile(encoding="ascii") as lines:
                for line in lines:
                    word, _, number = line.strip().partition(" ")
                    if word == "bye":
                        return
                    if word == "lost":
                        self._lost(int(number))
                        return
        except OSError:
            pass  # broken or silent: lost
        if not self._leaving:
            self._say(f"lost {other}")
            self._lost(other)


def listen() -> tuple[socket.socket, str]:
    """A socket of the first process, and its address for the others."""
    server = socket.create_server(("", 0))
    return server, f"{_own_address()}:{server.getsockname()[1]}"


def accept(server: socket.socket, others: int) -> dict[int, socket.socket]:
    """Wait for all other processes. Raises OSError after a minute."""
    server.settimeout(60)
    connections = {}
    for _ in range(others):
        connection, _ = server.accept()
        connection.settimeout(60)
        connections[int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")] = connection
    server.close()
    return connections


def connect(address: str, process: int) -> dict[int, socket.socket]:
    """Connect to the first process. Raises OSError after a minute."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(process.to_bytes(4, "big"))
    return {0: connection}


def _own_address() -> str:
    # Connecting a datagram socket sends nothing; it only chooses the interface that leads outside.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
