"""What a public benchmark hands over, and where it is found."""

from __future__ import annotations

import io
import json
import math
import time

import numpy as np
import pytest
from rich.console import Console

from router.errors import InputError
from tests.training.simulated_proof import simulated
from training.benchmarks import registry
from training.benchmarks.proof import met, proof


def test_a_proof_has_the_keys_that_scripts_read():
    """The published JSON shape, numpy's values as numbers, and what does not exist as null."""
    told = json.loads(json.dumps(simulated().as_dict(), allow_nan=False))
    assert list(told) == [
        "name", "protocol", "n_train", "n_test", "seeds", "metrics", "intervals", "baselines", "published", "targets",
        "differs", "curves", "axes", "quick", "seconds", "peak_mib",
    ]  # fmt: skip
    assert told["metrics"]["at_400"]["regret"] is None
    assert told["intervals"] == {"apgr": {"low": 0.64, "high": 0.68}, "cpt50": {"low": 29.5, "high": 32.5}}
    assert told["curves"]["ours"][1] == [0.5, 0.7]


@pytest.mark.parametrize("line", ["apgr", "0.64 to 0.68", ">= 0.65", "met", "missed", "published.", "Nothing was"])
def test_the_table_shows_figure_interval_target_and_rivals(line):
    """What a reader wants to see first."""
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(simulated().table())
    assert line in console.export_text()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"targets": {"apgrr": {"reach": 1, "better": "higher"}}}, "target 'apgrr' is of no metric"),
        ({"intervals": {"cpt": (1, 2)}}, "interval 'cpt' is of no metric"),
        ({"curves": {"ours": [[0.0, 0.0]] * 102}}, "at most 101 pairs"),
        ({"curves": {"ours": [[0.0]]}}, "at most 101 pairs"),
    ],
)
def test_what_would_pass_unseen_is_refused(changed, words):
    """A target of a metric that is spelt otherwise would be neither met nor missed."""
    with pytest.raises(InputError, match=words):
        simulated(**changed)


def test_a_target_is_met_at_its_very_figure():
    """Higher or lower as it says; a figure that does not exist meets none."""
    assert met(0.65, {"reach": 0.65, "better": "higher"})
    assert met(36.0, {"reach": 36, "better": "lower"})
    assert not met(36.1, {"reach": 36, "better": "lower"})
    assert not met(math.nan, {"reach": 0, "better": "higher"})
    assert not met(None, {"reach": 0, "better": "lower"})


def test_time_is_measured():
    """From the moment given."""
    made = proof(
        "x", protocol="", n_train=1, n_test=1, seeds=range(2), metrics={"a": np.float64(1)}, quick=True,
        started=time.perf_counter() - 2,
    )  # fmt: skip
    assert 2 <= made.seconds < 60
    assert made.seeds == (0, 1)


def test_an_unknown_benchmark_is_one_sentence_with_the_nearest():
    """A slip of the hand costs one glance."""
    with pytest.raises(InputError, match=r"there is no benchmark 'routellm-mlu': did you mean `routellm-mmlu`\?"):
        registry.entry("routellm-mlu")


@pytest.mark.parametrize("name", list(registry.PUBLIC))
def test_every_registered_benchmark_is_there(name):
    """Its module can be imported and has the protocol in words."""
    run = registry.runner(name)
    assert run.__module__.endswith(registry.entry(name).module)
