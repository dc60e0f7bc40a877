"""``tierwise train benchmark``: the list, a run, and what is refused."""

from __future__ import annotations

import json
from types import ModuleType

import pytest
from typer.testing import CliRunner

from router.errors import InputError
from tests.training.simulated_proof import simulated
from training.benchmarks import saved
from training.benchmarks.listing import headline, listing
from training.benchmarks.registry import PUBLIC
from training.commands.benchmark import STUDIES, app

NAME = "routellm-mmlu"


def call(*words):
    return CliRunner().invoke(app, words, catch_exceptions=False)


@pytest.fixture
def simulated_run(monkeypatch):
    """In place of the benchmark's module one that measures nothing, and tells how it was asked."""
    asked = []

    def run(*, report, quick=False):
        report("halfway")
        asked.append(quick)
        return simulated(NAME, quick=quick)

    module = ModuleType(f"training.benchmarks.{PUBLIC[NAME].module}")
    module.run = run
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    return asked


def test_the_list_has_every_benchmark():
    """What it shows and which files it reads, for people and for scripts."""
    found = json.loads(call("--list", "--json").stdout)["benchmarks"]
    assert [each["name"] for each in found] == [*PUBLIC, *STUDIES]
    assert all(set(each) == {"name", "summary", "files", "last"} for each in found)
    assert "reads routellm" in call("--list").stdout


def test_the_list_tells_missing_files_and_the_last_figure(tmp_path, monkeypatch):
    """The figure is the first with a target, with the verdict."""
    monkeypatch.setenv("TIERWISE_BENCHMARKS", str(tmp_path))
    saved.save(simulated(NAME), tmp_path)
    found = {each.name: each for each in listing(STUDIES, results=tmp_path)}
    assert found[NAME].files == {"routellm": False}
    assert found[NAME].last == "apgr 0.66 (target >= 0.65: met)"
    assert "reads routellm (missing); last committed apgr 0.66" in found[NAME].told()
    assert headline(simulated(NAME, targets={})) == "apgr 0.66"


def test_a_run_prints_and_saves(simulated_run, tmp_path):
    """JSON on standard output; the same in NAME.json."""
    told = json.loads(call(NAME, "--json", "--quick", "--save", str(tmp_path)).stdout)
    assert simulated_run == [True]
    assert told["quick"] is True
    assert json.loads((tmp_path / f"{NAME}.json").read_text()) == told
    assert "0.64 to 0.68" in call(NAME).stdout


def test_a_folder_that_cannot_be_written_is_one_sentence(simulated_run, tmp_path):
    """Where the way is barred by a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="it cannot be written"):
        call(NAME, "--save", str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["routellm-mlu"], r"there is no benchmark 'routellm-mlu': did you mean `routellm-mmlu`\?"),
        (["certificat"], r"did you mean `certificate`\?"),
        (["--json"], "--json stands after"),
        (["--json", NAME], "--json stands after"),
    ],
)
def test_a_slip_of_the_hand_is_one_sentence(words, sentence):
    """That says what was meant."""
    with pytest.raises(InputError, match=sentence):
        call(*words)


def test_every_benchmark_has_its_help():
    """Its options and what it shows."""
    for name in (*PUBLIC, *STUDIES, "data", "page"):
        assert call(name, "--help").exit_code == 0
