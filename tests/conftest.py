"""The real local models, for the tests that ask them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Workers share the cores: threads of each, and of every process that a test starts, would only wait for one another's.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from router.local_models import path_of  # noqa: E402 -- numpy reads these once

SMALL, LARGE = "smollm2-135m-instruct", "gemma-3-270m"


@pytest.fixture(autouse=True)
def _a_data_folder_of_their_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the ledger of whoever runs it, which is the one that a configuration without a path has."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture(scope="session")
def model() -> Callable[[str], Path]:
    """The file of a demo model; where it is not there, the test is skipped, or with CI=true fails."""

    def find(name: str) -> Path:
        path = path_of(name)
        if not path.is_file():
            reason = f"{path} is not there; bring it with: tierwise local pull"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find


@pytest.fixture(scope="session")
def llama(model: Callable[[str], Path]) -> Iterator[str]:
    """The address of a real llama.cpp server with the small model and a window of 2,048 tokens."""
    path = model(SMALL)
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(path)
    wanted.n_ctx = 2048
    wanted.n_parallel = 1
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.use_jinja = True
    wanted.verbosity = -1
    wanted.port = 0
    server = xllamacpp.Server(wanted)
    yield f"{server.listening_address}/v1"
    del server
