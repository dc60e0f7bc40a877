from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from router.ledger.group_commit import BATCH, GroupCommit


class Disk:
    """Commits batches one at a time; the first waits at ``gate`` so that others queue up behind it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.inside = 0

    def commit(self, batch: Sequence[int]) -> list[Exception | None]:
        self.inside += 1
        assert self.inside == 1
        self.batches.append(list(batch))
        self.entered.set()
        assert self.gate.wait(10)
        self.inside -= 1
        return [ValueError(f"bad {item}") if item < 0 else None for item in batch]


def behind(group: GroupCommit[int], disk: Disk, items: Sequence[int]) -> list[str]:
    """Submit 0, and while it is being committed all ``items``; what each thread met."""
    met: list[str] = []

    def submit(item: int) -> None:
        try:
            group.submit(item)
        except BaseException as error:  # noqa: BLE001
            met.append(f"{item}: {error!r}")
        else:
            met.append(f"{item}: committed")

    leader = threading.Thread(target=submit, args=(0,))
    leader.start()
    assert disk.entered.wait(10)
    others = [threading.Thread(target=submit, args=(item,)) for item in items]
    for each in others:
        each.start()
    until = time.monotonic() + 10
    while len(group._queue) < len(items):
        assert time.monotonic() < until
    disk.gate.set()
    for each in (leader, *others):
        each.join(10)
        assert not each.is_alive()
    return sorted(met)


def test_those_who_wait_share_one_transaction() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    met = behind(group, disk, range(1, 16))
    assert met == sorted(f"{item}: committed" for item in range(16))
    assert [sorted(batch) for batch in disk.batches] == [[0], list(range(1, 16))]


def test_no_batch_is_larger_than_the_limit() -> None:
    disk = Disk()
    met = behind(GroupCommit(disk.commit), disk, range(1, BATCH + 11))
    assert len(met) == BATCH + 11
    assert [len(batch) for batch in disk.batches] == [1, BATCH, 10]


def test_one_bad_item_fails_alone() -> None:
    disk = Disk()
    met = behind(GroupCommit(disk.commit), disk, [1, -2, 3])
    assert met == ["-2: ValueError('bad -2')", "0: committed", "1: committed", "3: committed"]


def test_what_commit_raises_reaches_everyone_in_the_batch_and_nobody_else() -> None:
    disk = Disk()

    def commit(batch: Sequence[int]) -> list[Exception | None]:
        outcomes = disk.commit(batch)
        if 0 in batch:
            raise OSError("disk full")
        return outcomes

    met = behind(GroupCommit(commit), disk, [1, 2])
    assert met == ["0: OSError('disk full')", "1: committed", "2: committed"]


def test_an_interrupted_leader_leaves_its_followers_to_another() -> None:
    """Ctrl-C in one thread must neither fail nor hang the threads whose items it was committing."""
    disk = Disk()

    def commit(batch: Sequence[int]) -> list[Exception | None]:
        outcomes = disk.commit(batch)
        if len(disk.batches) == 2:
            raise KeyboardInterrupt
        return outcomes

    group = GroupCommit(commit)
    met = behind(group, disk, [1, 2, 3])
    interrupted = [line for line in met if "KeyboardInterrupt" in line]
    assert len(interrupted) == 1
    assert len([line for line in met if "committed" in line]) == 3
    group.submit(9)
    assert disk.batches[-1] == [9]


def test_a_follower_that_is_interrupted_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    committed: list[int] = []

    def commit(batch: Sequence[int]) -> list[Exception | None]:
        if batch == [1]:
            with pytest.raises(KeyboardInterrupt):
                group.submit(2)
        committed.extend(batch)
        return [None] * len(batch)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    group = GroupCommit(commit)
    with monkeypatch.context() as patch:
        patch.setattr("router.ledger.group_commit._Ticket.wait", lambda ticket: ticket.gate and interrupted(ticket))
        group.submit(1)
    group.submit(3)
    assert committed == [1, 3]


def test_an_interrupted_follower_that_was_to_lead_appoints_another(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    wait = GroupCommit.__init__.__globals__["_Ticket"].wait

    def broken(ticket: object) -> None:
        wait(ticket)
        if getattr(ticket, "item") == 1 and getattr(ticket, "leads"):  # noqa: B009
            raise KeyboardInterrupt

    group = GroupCommit(disk.commit)
    monkeypatch.setattr("router.ledger.group_commit._Ticket.wait", broken)
    # 1 may queue at any place, and is interrupted only where it is made the leader.
    met = behind(group, disk, [1, 2, 3])
    assert [line for line in met if not line.startswith("1:")] == ["0: committed", "2: committed", "3: committed"]
    group.submit(4)
    assert 4 in disk.batches[-1]
