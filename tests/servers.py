"""Real Redis and Memcached servers for tests: on free loopback ports, nothing on disk, ended by whoever started them.

A ``conftest.py`` takes what it needs: ``from tests.servers import memcached, redis  # noqa: F401``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

INSTALL = "apt-get install --yes redis-server memcached"
_PATIENCE = 10.0


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """The path of a server's program; where there is none, the test is skipped, or with CI=true fails."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed; bring it with: {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass
class Server:
    """One server process. ``command`` makes its arguments from a port; ``ping`` is what it answers ``pong`` to."""

    command: Callable[[int], Sequence[str]]
    scheme: str
    ping: bytes
    pong: bytes
    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"{self.scheme}://127.0.0.1:{self.port}" + ("/0" if self.scheme == "redis" else "")

    def start(self) -> None:
        """Start it, on the port that it had before, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command(self.port),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"{self.scheme} did not start on port {self.port}")
            time.sleep(0.01)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as connection:
                connection.sendall(self.ping)
                return connection.recv(64).startswith(self.pong)
        except OSError:
            return False

    def stop(self) -> None:
        """Kill it, as a machine that is lost would be."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing, until :meth:`thaw`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


def redis_server(home: Path, *arguments: str) -> Server:
    """A Redis server that keeps nothing on disk, not yet started."""
    path = program("redis-server")

    def command(port: int) -> list[str]:
        return [path, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *arguments]

    return Server(command, "redis", b"PING\r\n", b"+PONG", home)


def memcached_server(home: Path, *arguments: str) -> Server:
    """A Memcached server, not yet started."""
    path = program("memcached")
    root = ["-u", "nobody"] if os.geteuid() == 0 else []

    def command(port: int) -> list[str]:
        return [path, "-p", str(port), "-U", "0", "-l", "127.0.0.1", *root, *arguments]

    return Server(command, "memcached", b"version\r\n", b"VERSION", home)


def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis server for the whole session: use a namespace or a database of your own, and leave it running."""
    yield from _running(redis_server(tmp_path_factory.mktemp("redis")))


@pytest.fixture(scope="session")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Memcached server for the whole session: use a namespace of your own, and leave it running."""
    yield from _running(memcached_server(tmp_path_factory.mktemp("memcached")))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Server]:
    """A Redis server of the test's own, to be stopped, frozen and started again."""
    yield from _running(redis_server(tmp_path))


@pytest.fixture
def own_memcached(tmp_path: Path) -> Iterator[Server]:
    """A Memcached server of the test's own, to be stopped, frozen and started again."""
    yield from _running(memcached_server(tmp_path))
