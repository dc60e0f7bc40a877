from __future__ import annotations

import logging
import os
import threading

from router.metering.recorder import Recorder
from tests.ledger.samples import decision


def test_what_is_put_is_written_in_order() -> None:
    written: list[str] = []
    recorder = Recorder(lambda made: written.append(made.id))
    for place in range(100):
        recorder.put(decision(str(place)))
    assert recorder.flush(20)
    assert written == [str(place) for place in range(100)]
    assert recorder.lost == 0


def test_no_caller_waits_and_what_is_beyond_the_backlog_is_counted(caplog) -> None:
    gate, begun = threading.Event(), threading.Event()
    written: list[str] = []

    def write(made) -> None:
        begun.set()
        gate.wait(20)
        written.append(made.id)

    recorder = Recorder(write, backlog=2)
    recorder.put(decision("first"))
    assert begun.wait(20)
    with caplog.at_level(logging.WARNING):
        for place in range(5):
            recorder.put(decision(str(place)))
    assert recorder.flush(0) is False
    gate.set()
    assert recorder.flush(20)
    assert (written, recorder.lost) == (["first", "0", "1"], 3)
    assert [record.message.split(" ", 1)[0] for record in caplog.records] == ["1", "2"]


def test_a_fault_of_the_ledger_costs_that_record_alone(caplog) -> None:
    written: list[str] = []

    def write(made) -> None:
        if made.id == "bad":
            raise OSError("the disk is full")
        written.append(made.id)

    recorder = Recorder(write)
    with caplog.at_level(logging.WARNING):
        for id in ("a", "bad", "b"):
            recorder.put(decision(id))
        assert recorder.flush(20)
    assert (written, recorder.lost) == (["a", "b"], 1)
    assert "the last because OSError: the disk is full" in caplog.text


def test_no_thread_is_left_when_all_is_written() -> None:
    recorder = Recorder(lambda made: None)
    recorder.put(decision())
    assert recorder.flush(20)
    for thread in threading.enumerate():
        if thread.name == "tierwise-metering":
            thread.join(20)
    assert "tierwise-metering" not in {thread.name for thread in threading.enumerate()}


def test_a_forked_process_writes_its_own_and_not_its_parents() -> None:
    gate = threading.Event()
    read, write = os.pipe()
    recorder = Recorder(lambda made: (gate.wait(20), os.write(write, made.id.encode())))
    recorder.put(decision("p"))
    child = os.fork()
    if not child:
        gate.set()
        recorder.put(decision("c"))
        os._exit(0 if recorder.flush(20) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.read(read, 10) == b"c"
    gate.set()
    assert recorder.flush(20)
    assert os.read(read, 10) == b"p"


def test_a_program_that_ends_does_not_wait_for_ever(caplog) -> None:
    """A ledger that takes two seconds for each is given five, and the rest is said to be lost."""
    now, gate = [0.0], threading.Event()
    written: list[str] = []

    def write(made) -> None:
        gate.wait(20)
        now[0] += 2.0
        written.append(made.id)

    recorder = Recorder(write, clock=lambda: now[0], ending=lambda: True)
    for place in range(10):
        recorder.put(decision(str(place)))
    with caplog.at_level(logging.WARNING):
        gate.set()
        assert recorder.flush(20)
    assert (written, recorder.lost) == (["0", "1", "2"], 7)
    assert "7 tracked calls are not in the ledger, the last because the program ended" in caplog.text
