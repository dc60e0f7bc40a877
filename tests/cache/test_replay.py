"""A log of answers is replayed by the policy alone, whatever levers the configuration has switched on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from router.assess import Untrained
from router.cache.settings import CacheSettings
from router.gates import Gates
from router.plan import Plan
from router.policy import Always
from tests.training.simulated import TIERS, records
from training.label.candidates import of_queries
from training.replay import replay_all


def test_a_replay_knows_no_cache_and_no_gate() -> None:
    bare = Plan(ladder=TIERS, assessor=Untrained(TIERS), rule=Always())
    levered = replace(bare, cache=CacheSettings(), gates=Gates())
    logs = records(40)
    first, second = replay_all(logs, bare), replay_all(logs, levered)
    np.testing.assert_array_equal(first.quality, second.quality)
    assert first.decisions == second.decisions
    unlabelled = [
        replace(query, outcomes=tuple(replace(each, quality=np.nan) for each in query.outcomes if each))
        for query in logs.queries
    ]
    margins = [[each.margin for each in of_queries(unlabelled, plan)] for plan in (bare, levered)]
    assert len(margins[0]) == 40
    np.testing.assert_array_equal(margins[0], margins[1])
