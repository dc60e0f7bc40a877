"""Files of pairs, and of what was fitted on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from router.cache.semantic.fit_file import Fit, dump, load
from router.cache.semantic.fitting import Pair, Sides, Threshold
from router.cache.semantic.pairs import read_pairs
from router.embed import PROBES, Imprint
from router.errors import InputError

DATA = Path(__file__).resolve().parents[2] / "data" / "cache_pairs.jsonl"


def fit() -> Fit:
    sides = Sides(pairs=200, same=110, hits=100, wrong=0, bound=0.0295, lookup_bound=0.0149)
    threshold = Threshold(value=0.71, max_wrong=0.03, confidence=0.95, sides=sides)
    probes = np.zeros((len(PROBES), 3))
    probes[:, 0] = 1.0
    return Fit(threshold=threshold, imprint=Imprint("table", probes), pairs="0" * 64)


def test_a_fit_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    path.write_text(dump(fit()))
    found = load(path)
    assert found.threshold == fit().threshold
    assert found.imprint.name == "table"
    assert found.imprint.probes.tolist() == fit().imprint.probes.tolist()
    assert len(found.hash) == 12
    assert path.stat().st_size < 10_000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"threshold": 0.1}, "altered or damaged"),
        ({"format": 2}, "no fit of this release"),
        ({"pairs": "1" * 64}, "altered or damaged"),
    ],
)
def test_a_fit_that_was_altered_is_refused(tmp_path: Path, change: dict[str, object], why: str) -> None:
    path = tmp_path / "fit.json"
    path.write_text(json.dumps(json.loads(dump(fit())) | change))
    with pytest.raises(InputError, match=why):
        load(path)


def test_a_fit_for_other_gates_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fit.json"
    path.write_text(dump(fit()))
    monkeypatch.setattr("router.cache.semantic.fit_file.GATES_VERSION", 99)
    with pytest.raises(InputError, match="gates that are others now"):
        load(path)


def test_a_fit_that_is_not_there_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .* make it with `tierwise cache fit --pairs FILE"):
        load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "bad.json")


def test_pairs_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"a": "x\u2028y", "b": "z", "same": true}\n\n{"a": "x", "b": "z", "same": false, "kind": "number"}\n'
    )
    assert read_pairs(path) == [
        Pair(one="x\u2028y", other="z", same=True),
        Pair(one="x", other="z", same=False, kind="number"),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: is no JSON"),
        ("[]", "line 2: must be an object"),
        ('{"a": "x", "same": true}', "line 2: `b` must be a question's text"),
        ('{"a": " ", "b": "y", "same": true}', "line 2: `a` must be a question's text"),
        ('{"a": "x", "b": "y", "same": 1}', "line 2: `same` must be true"),
        ('{"a": "x", "b": "y"}', "line 2: `same` must be true"),
        ('{"a": "x", "b": "y", "same": true, "kind": 3}', "line 2: `kind` and `split` must be text"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"a": "x", "b": "y", "same": true}\n' + line + "\n")
    with pytest.raises(InputError, match=why):
        read_pairs(path)


def test_a_file_of_pairs_that_is_not_there_empty_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read_pairs(tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match="has no pairs"):
        read_pairs(tmp_path / "empty")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs(tmp_path / "bytes")


def test_the_pairs_of_this_repository_are_what_its_card_says() -> None:
    pairs = read_pairs(DATA)
    assert len(pairs) >= 400
    assert sum(pair.same for pair in pairs) >= 0.4 * len(pairs)
    assert len({frozenset((pair.one, pair.other)) for pair in pairs}) == len(pairs)
    assert {pair.split for pair in pairs} == {"fit", "test"}
    assert {pair.kind for pair in pairs if pair.same} == {"paraphrase"}
    assert {"number", "negation", "entity", "unit", "language", "order", "scope", "time"} <= {
        pair.kind for pair in pairs if not pair.same
    }


def test_no_topic_is_in_both_splits() -> None:
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    topics = {split: {row["topic"] for row in rows if row["split"] == split} for split in ("fit", "test")}
    assert not topics["fit"] & topics["test"]
    assert len(topics["fit"]) + len(topics["test"]) >= 40
