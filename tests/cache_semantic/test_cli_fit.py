"""``tierwise cache fit``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from router.cache.semantic.fit_file import load
from router.cli.cache_fit import fit
from router.config import Config
from router.config.cache_semantic import semantic_settings
from router.config.table import Table
from router.errors import ConfigError, EmbedderError, InputError

app = typer.Typer()
app.command()(fit)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """60 pairs that share all of their words, and 20 of other words."""
    path = tmp_path / "pairs.jsonl"
    same = [{"a": f"How do I clean a w{at}x?", "b": f"How can I clean a w{at}x", "same": True} for at in range(60)]
    other = [
        {"a": f"How do I clean a y{at}z?", "b": f"Who sells u{at}v and t{at}s?", "same": False} for at in range(20)
    ]
    path.write_text("".join(json.dumps(row | {"split": "fit"}) + "\n" for row in (*same, *other)))
    return path


def run(*arguments: str) -> tuple[int, str, BaseException | None]:
    found = CliRunner().invoke(app, list(arguments))
    return found.exit_code, found.stdout, found.exception


def test_it_writes_a_fit_that_a_configuration_reads(tmp_path: Path, pairs: Path) -> None:
    out = tmp_path / "fit.json"
    code, told, _ = run(
        *("--pairs", str(pairs), "--embedder", "hashing", "--max-wrong", "0.05", "--out", str(out), "--json")
    )
    assert code == 0
    found = json.loads(told)
    assert found["fit"]["hits"] == 60
    assert found["fit"]["wrong"] == 0
    assert found["fit"]["bound"] <= 0.05
    assert found["fit"]["recall"] == 1.0
    assert found["cosine_alone"]["hits"] >= 60
    made = load(out)
    assert (made.hash, made.threshold.value, made.imprint.name) == (found["hash"], found["threshold"], "hashing")


def test_the_command_line_has_it() -> None:
    from router.cli.main import app as whole

    found = CliRunner().invoke(whole, ["cache", "fit", "--help"])
    assert found.exit_code == 0
    assert "Fit the threshold" in found.stdout


def test_it_prints_what_it_found(tmp_path: Path, pairs: Path) -> None:
    code, told, _ = run(
        *("--pairs", str(pairs), "--embedder", "hashing", "--max-wrong", "0.05", "--out", str(tmp_path / "f.json"))
    )
    assert code == 0
    assert "gates and threshold" in told
    assert "with 95% confidence" in told
    assert "[cache.semantic] fit" in told


def test_pairs_held_out_are_judged_apart(tmp_path: Path, pairs: Path) -> None:
    held = [json.dumps({"a": f"Is p{at} q?", "b": f"is p{at} q", "same": True, "split": "test"}) for at in range(3)]
    pairs.write_text(pairs.read_text() + "\n".join(held))
    _, told, _ = run(
        *("--pairs", str(pairs), "--embedder", "hashing", "--max-wrong", "0.05", "--split", "fit", "--json"),
        *("--out", str(tmp_path / "f.json")),
    )
    found = json.loads(told)
    assert (found["fit"]["pairs"], found["test"]["pairs"], found["test"]["hits"]) == (80, 3, 3)


def test_too_few_pairs_write_nothing(tmp_path: Path, pairs: Path) -> None:
    out = tmp_path / "fit.json"
    code, _, error = run("--pairs", str(pairs), "--embedder", "hashing", "--out", str(out))
    assert code == 1
    assert isinstance(error, InputError)
    assert "needs at least 299 hits" in str(error)
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--max-wrong", "0"), "--max-wrong must be between 0 and 1"),
        (("--max-wrong", "1.5"), "--max-wrong must be between 0 and 1"),
        (("--confidence", "1"), "--confidence must be at least 0.5 and below 1"),
        (("--split", "none"), "no pair of .* has the split 'none'"),
    ],
)
def test_what_makes_no_sense_is_refused(pairs: Path, arguments: tuple[str, ...], why: str) -> None:
    _, _, error = run("--pairs", str(pairs), "--embedder", "hashing", *arguments)
    assert isinstance(error, InputError)
    with pytest.raises(InputError, match=why):
        raise error


def test_an_embedder_that_does_not_exist_is_named(pairs: Path) -> None:
    _, _, error = run("--pairs", str(pairs), "--embedder", "nonsense")
    assert isinstance(error, EmbedderError)
    assert "'nonsense' is no embedder" in str(error)


@pytest.fixture
def fitted(tmp_path: Path, pairs: Path) -> Path:
    out = tmp_path / "fit.json"
    run("--pairs", str(pairs), "--embedder", "hashing", "--max-wrong", "0.05", "--out", str(out))
    return out


Read = Callable[..., object]


@pytest.fixture
def read(fitted: Path) -> Read:
    def settings(**raw: object) -> object:
        return semantic_settings(
            Table(raw={"fit": fitted.name, **raw}, name="cache.semantic"),
            fitted.parent,
            store="memory",
            path=None,
            url=None,
            password_env=None,
            namespace="t",
            timeout=0.05,
        )

    return settings


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"fit": "none.json"}, r"\[cache.semantic\] `fit`: there is no file"),
        ({"embedder": "wordllama"}, r"`embedder`: is 'wordllama', and the threshold was fitted for 'hashing'"),
        ({"embedder": "nonsense"}, "`embedder`: 'nonsense' is no embedder"),
        ({"threshold": 0.5}, "`threshold`: there is no such key"),
        ({"timeout": 0}, "`timeout`: must be above 0"),
        ({"max_entries": 0}, "`max_entries`: must be at least 1"),
        ({"candidates": 0}, "`candidates`: must be at least 1"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(read: Read, raw: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read(**raw)


def test_without_the_table_there_is_no_semantic_cache() -> None:
    found = semantic_settings(
        None, Path(), store="memory", path=None, url=None, password_env=None, namespace="t", timeout=0.05
    )
    assert found is None


def test_a_configuration_with_it_has_a_version_that_stays(fitted: Path, tmp_path: Path) -> None:
    """The embedder is part of the settings, and a version is made of plain values."""
    from tests.kit import two_tiers

    cache = {"store": "memory", "semantic": {"fit": str(fitted), "vectors": str(tmp_path / "v.db")}}
    one, other = (Config.of(two_tiers(confidence=0.9).ladder.tiers, cache=cache) for _ in range(2))
    assert one.version == other.version
    assert one.cache == other.cache
    without = Config.of(two_tiers(confidence=0.9).ladder.tiers, cache={"store": "memory"})
    assert one.version != without.version
