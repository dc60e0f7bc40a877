"""The peers' environments: made once, made anew when the pins change, and one sentence where they cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.benchmarks.environments import Peer, PeerMissing, environment, home, ready


def peer(tmp_path: Path) -> Peer:
    """A package that is nowhere: nothing is asked of a network to find that out."""
    return Peer(name="nobody", version="1.0", requirements=(str(tmp_path / "nobody-1.0.tar.gz"),), alone=("other==2",))


def made(one: Peer, within: Path) -> Path:
    """The folder of an environment that is marked as whole."""
    folder = within / f"{one.name}-{one.version}"
    folder.mkdir(parents=True)
    (folder / ".ready").write_text(one.pins, encoding="utf-8")
    return folder


def test_what_is_there_is_not_made_again(tmp_path):
    """Nothing is run and nothing is told."""
    one, told = peer(tmp_path), []
    folder = made(one, tmp_path)

    found = environment(one, report=told.append, within=tmp_path)

    assert folder / "bin" / "python" == found
    assert told == []


def test_other_pins_make_it_anew(tmp_path):
    """The mark holds the pins, so that an environment of the same version with other packages is not taken for it."""
    one = peer(tmp_path)
    made(one, tmp_path)
    other = Peer(name=one.name, version=one.version, requirements=one.requirements)

    assert ready(one, within=tmp_path)
    assert not ready(other, within=tmp_path)


def test_what_cannot_be_installed_is_one_sentence_and_stays_unmade(tmp_path):
    """It names the package and what the installer said last; the next call tries again."""
    one, told = peer(tmp_path), []
    (tmp_path / "nobody-1.0").touch()  # where a folder has to be made

    with pytest.raises(PeerMissing, match=r"^nobody 1.0 could not be installed: .*nobody-1.0") as caught:
        environment(one, report=told.append, within=tmp_path)

    assert caught.value.peer == "nobody"
    assert str(caught.value) == caught.value.reason
    assert told == [f"installing nobody 1.0 into {tmp_path / 'nobody-1.0'}, once"]
    assert not ready(one, within=tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    """So that a benchmark can print it in place of the figures."""
    (tmp_path / "file").touch()

    with pytest.raises(PeerMissing, match=r"file cannot be written"):
        environment(peer(tmp_path), within=tmp_path / "file")


def test_the_folder_is_the_users_to_choose(tmp_path, monkeypatch):
    """TIERWISE_BENCH_ENVS, else .bench/ where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIERWISE_BENCH_ENVS", raising=False)
    assert tmp_path / ".bench" == home()

    monkeypatch.setenv("TIERWISE_BENCH_ENVS", str(tmp_path / "elsewhere"))
    assert tmp_path / "elsewhere" == home()
