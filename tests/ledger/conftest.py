from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.ledger import Ledger

PASSWORD = "s3cret-and-long"
INSTALL = "apt-get install postgresql"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as opened:
        yield opened


def programs() -> Path | None:
    """Where PostgreSQL's server programs are; Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name), default=None)


class Server:
    """A PostgreSQL server of our own, on a free loopback port."""

    def __init__(self, bin: Path, home: Path, port: int) -> None:
        self.bin, self.home, self.port = bin, home, port
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgresql://tierwise:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.bin / program, *arguments],
            user=self.user,
            cwd=self.home,
            check=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def create(self) -> None:
        secret = self.home / "password"
        secret.write_text(PASSWORD)
        if self.user:
            for place in (self.home, secret):
                shutil.chown(place, self.user)
        self.run("initdb", "-D", "data", "-U", "tierwise", "--pwfile=password", "-A", "scram-sha-256", "-E", "UTF8")

    def start(self) -> None:
        options = f"-p {self.port} -k {self.home} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    bin = programs()
    if bin is None:
        reason = f"needs PostgreSQL's server programs; `{INSTALL}` brings them"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Not in pytest's directory, which the user postgres may not enter.
    with tempfile.TemporaryDirectory(prefix="tierwise-pg-") as home:
        server = Server(bin, Path(home), port)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
