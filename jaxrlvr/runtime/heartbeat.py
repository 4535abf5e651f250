"""Heartbeats between a run's processes: if one dies or falls silent, the others exit with a message.

Without them the others would wait forever in a collective operation. Each process holds a TCP connection to the first
one. A process is lost when its connection breaks, or when nothing arrives on it for `SILENCE` seconds; a process that
has finished says goodbye before it closes.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

BEAT, SILENCE = 5.0, 40.0
"""Seconds between heartbeats, and without one until a process counts as lost."""


def abort(message: str) -> NoReturn:
    """Print the message and exit with code 1, whatever the other threads are waiting for."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    os._exit(1)


class Heartbeat:
    """The connections of one process: to the first process, or from the first process to all others.

    `on_lost` is called, in a thread, with the number of a lost process.
    """

    def __init__(self, connections: dict[int, socket.socket], on_lost: Callable[[int], None]) -> None:
        self._connections, self._on_lost, self._leaving = connections, on_lost, False
        for peer, connection in connections.items():
            connection.settimeout(SILENCE)
            threading.Thread(target=self._listen, args=(peer, connection), daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    def leave(self) -> None:
        """Say goodbye: this process has finished."""
        self._leaving = True
        self._send("bye")

    def _send(self, line: str) -> None:
        for connection in self._connections.values():
            try:
                connection.sendall(f"{line}\n".encode())
            except OSError:
                continue  # the thread that listens to this connection handles the loss

    def _beat(self) -> None:
        while not self._leaving:
            self._send("here")
            time.sleep(BEAT)

    def _listen(self, peer: int, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile(encoding="ascii") as lines:
                for line in lines:
                    word, _, number = line.strip().partition(" ")
                    if word == "bye":
                        return
                    if word == "lost":
                        self._on_lost(int(number))
                        return
        except OSError:
            pass  # broken or silent: lost
        if not self._leaving:
            self._send(f"lost {peer}")
            self._on_lost(peer)


def listen() -> tuple[socket.socket, str]:
    """Open the first process's socket. Returns it with its HOST:PORT for the others."""
    server = socket.create_server(("", 0))
    return server, f"{_host_address()}:{server.getsockname()[1]}"


def accept(server: socket.socket, others: int) -> dict[int, socket.socket]:
    """Wait for all other processes and close `server`. Raises OSError after a minute."""
    server.settimeout(60)
    connections = {}
    for _ in range(others):
        connection, _ = server.accept()
        connection.settimeout(60)
        connections[int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")] = connection
    server.close()
    return connections


def connect(address: str, process: int) -> dict[int, socket.socket]:
    """Connect process number `process` to the first one at HOST:PORT. Raises OSError after a minute."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(process.to_bytes(4, "big"))
    return {0: connection}


def _host_address() -> str:
    # Connecting a datagram socket sends nothing; it only selects the interface that leads outside.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
