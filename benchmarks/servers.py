"""Redis and Memcached for the length of a measurement: on free loopback ports, nothing on disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INSTALL = "apt-get install --yes redis-server memcached"
_PATIENCE = 10.0


class Missing(Exception):
    """A server's program is not installed; the message says how to bring it."""


@contextmanager
def redis() -> Iterator[int]:
    """A Redis server; its port."""
    path = _program("redis-server")
    with _running(
        lambda port: [path, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        b"PING\r\n",
        b"+PONG",
    ) as port:
        yield port


@contextmanager
def memcached() -> Iterator[int]:
    """A Memcached server; its port."""
    path = _program("memcached")
    root = ["-u", "nobody"] if os.geteuid() == 0 else []
    with _running(
        lambda port: [path, "-p", str(port), "-U", "0", "-l", "127.0.0.1", *root], b"version\r\n", b"VERSION"
    ) as port:
        yield port


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed; bring it with: {INSTALL}")
    return found


@contextmanager
def _running(command: Callable[[int], list[str]], ping: bytes, pong: bytes) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command(port), stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        until = time.monotonic() + _PATIENCE
        while not _answers(port, ping, pong):
            if process.poll() is not None or time.monotonic() > until:
                raise Missing(f"{process.args[0]} did not start on port {port}")  # type: ignore[index]
            time.sleep(0.01)
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(port: int, ping: bytes, pong: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(ping)
            return connection.recv(64).startswith(pong)
    except OSError:
        return False
