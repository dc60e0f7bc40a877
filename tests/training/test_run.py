"""The training job's stages: resumption, crashes, the lock and the exit codes, on stand-in stages."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from router.errors import InputError
from training.errors import Locked, NotEnoughLabels, TrackingError
from training.lock import exclusive
from training.run import EXIT_CODES, Context, Stage, pending, perform

NAMES = ("ingest", "fit", "tune", "certify", "evaluate", "report", "log", "register")


class Crash(Exception):
    """The process dies here."""


class Work:
    """Stand-in stages that count how often they ran, and die or fail where told."""

    def __init__(self, *, dies_in=None, raises=None):
        self.ran = []
        self.dies_in, self.raises = dies_in, raises

    def stages(self):
        return [Stage(name, lambda context, name=name: self._run(name, context)) for name in NAMES]

    def _run(self, name, context):
        self.ran.append(name)
        (context.out / "made.txt").write_text(f"half of {name}")
        if name == self.dies_in:
            raise self.raises or Crash(name)
        (context.out / "made.txt").write_text(name)
        return {"made_by": name, "saw": sorted(context.facts)}


def context(tmp_path, **changes):
    return Context(folder=tmp_path / "work" / "key", inputs={}, **changes)


def test_every_stage_runs_once_in_order_and_sees_what_the_earlier_ones_left(tmp_path):
    work = Work()

    result = perform(work.stages(), context(tmp_path))

    assert tuple(work.ran) == NAMES
    assert result.status == "registered"
    assert sorted(NAMES[:-1]) == result.facts["register"]["saw"]
    assert (tmp_path / "work" / "key" / "tune" / "made.txt").read_text() == "tune"
    assert result.seconds >= 0
    assert result.peak_mib > 1


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_a_crash_in_any_stage_leaves_the_stages_before_it_and_a_rerun_goes_on_from_there(tmp_path, place):
    with pytest.raises(Crash):
        perform(Work(dies_in=NAMES[place]).stages(), context(tmp_path))

    assert NAMES[place:] == pending(Work().stages(), context(tmp_path).folder)
    second = Work()
    result = perform(second.stages(), context(tmp_path))

    assert NAMES[place:] == tuple(second.ran)
    assert result.status == "registered"
    made = {name: (context(tmp_path).folder / name / "made.txt").read_text() for name in NAMES}
    assert {name: name for name in NAMES} == made


def test_a_finished_job_gives_its_result_again_and_runs_nothing(tmp_path):
    first = perform(Work().stages(), context(tmp_path))
    again = Work()

    second = perform(again.stages(), context(tmp_path))

    assert again.ran == []
    assert first.facts == second.facts


def test_a_job_that_is_to_begin_anew_does_every_stage_again(tmp_path):
    perform(Work().stages(), context(tmp_path))
    again = Work()

    perform(again.stages(), context(tmp_path), begin="anew")

    assert tuple(again.ran) == NAMES


def test_beginning_anew_takes_nothing_from_a_run_under_way(tmp_path):
    """It throws away under the lock only, since the other run may be reading and writing that very folder."""
    perform(Work().stages(), context(tmp_path))

    with exclusive(tmp_path / "work" / "lock", what="another training run"):
        result = perform(Work().stages(), context(tmp_path), begin="anew")

    assert result.status == "locked"
    assert pending(Work().stages(), context(tmp_path).folder) == ()


def test_an_error_of_the_system_is_told_as_ours_are(tmp_path):
    result = perform(
        Work(dies_in="log", raises=PermissionError(13, "Permission denied", "/a/b")).stages(), context(tmp_path)
    )

    assert (result.status, result.sentence) == ("failed", "/a/b: Permission denied")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotEnoughLabels("12 prompts are labelled; 30 are needed", needed=30), "not_enough_labels", 4),
        (TrackingError("MLflow at http://x could not be reached"), "registry_down", 7),
        (InputError("the data has one class only"), "failed", 2),
        (OSError(28, "No space left on device"), "failed", 2),
    ],
)
def test_what_a_user_can_mend_ends_the_job_with_a_status_a_code_and_a_sentence(tmp_path, error, status, code):
    result = perform(Work(dies_in="log", raises=error).stages(), context(tmp_path))

    assert (status, code) == (result.status, result.exit_code)
    assert str(error) in result.sentence
    assert NAMES[:6] == tuple(result.facts)


def test_when_the_registry_is_down_bundle_and_report_are_kept_and_the_rerun_begins_with_logging(tmp_path):
    down = perform(Work(dies_in="log", raises=TrackingError("down")).stages(), context(tmp_path))
    assert str(context(tmp_path).folder) in down.sentence
    up = Work()

    result = perform(up.stages(), context(tmp_path))

    assert up.ran == ["log", "register"]
    assert result.status == "registered"


def test_a_stage_says_how_the_job_ended_and_the_last_one_that_does_wins(tmp_path):
    stages = [
        Stage("certify", lambda _: {"status": "not_enough_labels", "sentence": "900 labels are needed"}),
        Stage("report", lambda _: {"path": "report.html"}),
    ]

    result = perform(stages, context(tmp_path))

    assert (result.status, result.exit_code, result.sentence) == ("not_enough_labels", 4, "900 labels are needed")


def test_a_number_that_is_no_json_is_a_fault_and_the_stage_is_not_done(tmp_path):
    stages = [Stage("tune", lambda _: {"quality": float("nan")})]

    with pytest.raises(ValueError, match="Out of range float"):
        perform(stages, context(tmp_path))

    assert pending(stages, context(tmp_path).folder) == ("tune",)


def test_progress_names_each_stage_and_those_done_before(tmp_path):
    with pytest.raises(Crash):
        perform(Work(dies_in="fit").stages(), context(tmp_path))
    said = []

    perform(Work().stages()[:2], context(tmp_path, say=said.append))

    assert said == ["ingest: done before", "fit"]


def test_the_work_folder_is_kept_out_of_version_control(tmp_path):
    perform(Work().stages(), context(tmp_path))

    assert (tmp_path / "work" / ".gitignore").read_text() == "*\n"


def test_old_jobs_go_and_the_newest_ten_stay(tmp_path):
    for number in range(12):
        here = Context(folder=tmp_path / "work" / f"job{number:02}", inputs={})
        perform(Work().stages()[:1], here)
        os.utime(here.folder, (number, number))
    mine = tmp_path / "work" / "not-a-job"
    mine.mkdir()

    perform(Work().stages()[:1], Context(folder=tmp_path / "work" / "newest", inputs={}))

    jobs = sorted(path.name for path in (tmp_path / "work").iterdir() if path.name.startswith("job"))
    assert [f"job{number:02}" for number in range(3, 12)] == jobs
    assert mine.is_dir()


def test_two_runs_in_one_place_do_not_collide(tmp_path):
    work = Work()
    with exclusive(tmp_path / "work" / "lock", what="another training run"):
        result = perform(work.stages(), context(tmp_path))

    assert (result.status, result.exit_code) == ("locked", 6)
    assert work.ran == []
    assert f"process {os.getpid()}" in result.sentence


def _hold(path, ready):
    with exclusive(Path(path), what="it"):
        ready.set()
        signal.pause()


def test_a_lock_whose_holder_was_killed_is_free(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path / "lock"), ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(Locked, match=f"process {holder.pid}"), exclusive(tmp_path / "lock", what="it"):
        pass

    holder.kill()
    holder.join()

    with exclusive(tmp_path / "lock", what="it"):
        assert str(os.getpid()) == (tmp_path / "lock").read_text().strip()


def test_no_two_statuses_that_need_another_reaction_share_a_code():
    distinct = {status: code for status, code in EXIT_CODES.items() if code != 0}

    assert len(distinct) == len(set(distinct.values()))
    assert 1 not in EXIT_CODES.values()
    assert json.dumps(EXIT_CODES)
