"""Metrics held against tiny cases worked out by hand, and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import curves
from training.bootstrap import Bootstrap, bounds
from training.curves import Spot
from training.metrics import (
    aurc,
    auroc,
    brier,
    debiased_ece,
    ece,
    graded,
    interval,
    log_loss,
    reliability,
)

WEAK, STRONG = Spot(1.0, 0.6, 0.0), Spot(5.0, 0.8, 1.0)
MIDDLE = Spot(2.0, 0.75, 0.4)


def arrays(*columns):
    return tuple(np.array(column, float) for column in columns)


# --- confidence


def test_ranking_and_losses_agree_with_scikit_learn():
    """AUROC with ties, Brier and log-loss, on simulated confidences."""
    from sklearn.metrics import brier_score_loss, roc_auc_score
    from sklearn.metrics import log_loss as reference

    rng = np.random.default_rng(0)
    good = (rng.random(500) < 0.4).astype(float)
    confidence = np.round(np.clip(rng.normal(0.4 + 0.2 * good, 0.2), 0.01, 0.99), 2)

    assert auroc(confidence, good) == pytest.approx(roc_auc_score(good, confidence))
    assert brier(confidence, good) == pytest.approx(brier_score_loss(good, confidence))
    assert log_loss(confidence, good) == pytest.approx(reference(good, confidence))


def test_ece_of_two_bins_by_hand():
    """Bins {0.2, 0.4} with one good of two and {0.6, 0.8} with two of two: (|0.3 - 0.5| + |0.7 - 1|) / 2."""
    confidence, good = arrays([0.8, 0.2, 0.6, 0.4], [1, 0, 1, 1])

    assert ece(confidence, good, bins=2) == pytest.approx(0.25)
    assert reliability(confidence, good, bins=2) == [
        {"confidence": pytest.approx(0.3), "observed": 0.5, "n": 2},
        {"confidence": pytest.approx(0.7), "observed": 1.0, "n": 2},
    ]


def test_the_debiased_ece_is_the_jackknife_worked_out():
    """n ECE - (n - 1) mean ECE without i, each i left out of its own bin, by brute force."""
    rng = np.random.default_rng(1)
    confidence = np.sort(rng.random(40))
    good = (rng.random(40) < confidence).astype(float)
    bins = np.array_split(np.arange(40), 4)

    def plain(left_out):
        total = 0.0
        for part in bins:
            kept = [row for row in part if row != left_out]
            total += abs(confidence[kept].sum() - good[kept].sum())
        return total / (40 if left_out is None else 39)

    jackknife = 40 * plain(None) - 39 * np.mean([plain(row) for row in range(40)])

    assert debiased_ece(confidence, good, bins=4) == pytest.approx(max(0.0, jackknife))


def test_the_debiased_ece_of_a_calibrated_confidence_is_nearer_to_zero():
    """Simulated: the truth is 0, the plain figure is pushed up by chance."""
    rng = np.random.default_rng(2)
    confidence = rng.random((40, 150))
    good = (rng.random((40, 150)) < confidence).astype(float)

    plain = np.mean([ece(row, labels) for row, labels in zip(confidence, good, strict=True)])
    corrected = np.mean([debiased_ece(row, labels) for row, labels in zip(confidence, good, strict=True)])

    assert corrected < 0.7 * plain


def test_aurc_by_hand():
    """Errors 0, 1, 0 in order of confidence: the risks are 0, 1/2, 1/3."""
    assert aurc(*arrays([0.9, 0.8, 0.1], [1, 0, 1])) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_aurc_takes_equal_confidences_in_random_order():
    """One constant confidence has the overall error as its risk at every coverage."""
    assert aurc(*arrays([0.5] * 4, [1, 0, 0, 0])) == pytest.approx(0.75)


def test_a_sure_error_costs_a_finite_log_loss():
    """Chances are kept off 0 and 1."""
    assert log_loss(*arrays([0.0], [1])) == pytest.approx(-math.log(1e-6))


def test_what_has_no_value_is_none():
    """One class only has no AUROC; no rows have nothing."""
    assert graded(*arrays([0.4, 0.6], [1, 1]))["auroc"] is None
    assert graded(*arrays([0.4, 0.6], [1, 1]))["brier"] == pytest.approx((0.36 + 0.16) / 2)
    assert set(graded(*arrays([], [])).values()) == {None}


# --- curves


def test_pgr_and_the_areas_by_hand():
    """Weak 0.6 at 1 USD, strong 0.8 at 5 USD, and one point: 0.75 at 2 USD with 40 % strong calls, so PGR 0.75."""
    ends = {"weak": WEAK, "strong": STRONG}

    assert curves.pgr(0.75, weak=0.6, strong=0.8) == pytest.approx(0.75)
    assert curves.apgr_calls([MIDDLE], **ends) == pytest.approx(0.4 * 0.75 / 2 + 0.6 * (0.75 + 1) / 2)
    assert curves.apgr_cost([MIDDLE], **ends) == pytest.approx(0.25 * 0.75 / 2 + 0.75 * (0.75 + 1) / 2)
    assert curves.apgr_calls([], **ends) == curves.apgr_cost([], **ends) == 0.5


def test_the_decile_version_reads_eleven_points():
    """A curve with a corner between them is cut short, as RouteLLM's 10 quantiles do."""
    corner = Spot(1.5, 0.8, 0.05)
    x = np.linspace(0, 1, 11)
    y = np.where(x == 0, 0.0, 1.0)

    assert curves.apgr_deciles([corner], weak=WEAK, strong=STRONG) == pytest.approx(np.trapezoid(y, x))
    assert curves.apgr_calls([corner], weak=WEAK, strong=STRONG) == pytest.approx(0.975)


def test_cpt_by_hand():
    """PGR 0.5 lies at two thirds of the way to the point, in calls and in dollars; what is not reached is None."""
    ends = {"weak": WEAK, "strong": STRONG}

    assert curves.cpt_calls([MIDDLE], 0.5, **ends) == pytest.approx(0.4 * 2 / 3)
    assert curves.cpt_cost([MIDDLE], 0.5, **ends) == pytest.approx(1 + 2 / 3)
    assert curves.cpt_calls([MIDDLE], 0.8, **ends) == pytest.approx(0.4 + 0.6 * 0.2)
    assert curves.cpt_calls([MIDDLE], 1.2, **ends) is None


def test_without_a_gap_there_are_no_figures():
    """A strongest tier that is no better, or no dearer, defines none."""
    worse = Spot(5.0, 0.5, 1.0)
    same_cost = Spot(1.0, 0.8, 1.0)

    assert curves.pgr(0.7, weak=0.6, strong=0.5) is None
    assert curves.apgr_calls([MIDDLE], weak=WEAK, strong=worse) is None
    assert curves.apgr_deciles([MIDDLE], weak=WEAK, strong=worse) is None
    assert curves.cpt_calls([MIDDLE], 0.5, weak=WEAK, strong=worse) is None
    assert curves.apgr_cost([MIDDLE], weak=WEAK, strong=same_cost) is None
    assert curves.cpt_cost([MIDDLE], 0.5, weak=WEAK, strong=same_cost) is None
    assert curves.eth_auc([MIDDLE], weak=WEAK, strong=same_cost) is None
    assert curves.delta_ibc(MIDDLE, weak=WEAK, strong=worse) is None
    assert curves.aiq([MIDDLE]) is curves.aiq_over_most([MIDDLE]) is None


def test_ranking_by_a_score_by_hand():
    """The best-scored query gains, the next loses; the tie of the other two moves together."""
    scores, weak, strong = arrays([0.9, 0.5, 0.1, 0.1], [0, 1, 0, 1], [1, 0, 1, 1])

    found = curves.ranked(scores, weak, strong)

    assert [(spot.share, spot.quality) for spot in found] == [(0.0, 0.5), (0.25, 0.75), (0.5, 0.5), (1.0, 0.75)]


def test_a_random_score_has_an_area_of_one_half():
    """Simulated; all thresholds and RouteLLM's deciles."""
    rng = np.random.default_rng(3)
    weak, strong = ((rng.random(20_000) < chance).astype(float) for chance in (0.6, 0.8))
    ends = {"weak": Spot(math.nan, weak.mean(), 0.0), "strong": Spot(math.nan, strong.mean(), 1.0)}
    scores = rng.random(20_000)

    assert curves.apgr_calls(curves.ranked(scores, weak, strong), **ends) == pytest.approx(0.5, abs=0.02)
    assert curves.apgr_calls(curves.ranked_deciles(scores, weak, strong), **ends) == pytest.approx(0.5, abs=0.02)
    assert len(curves.ranked_deciles(scores, weak, strong)) == 12


def test_cost_at_matched_quality_by_hand():
    """0.7 lies on the line from (1, 0.6) to (2, 0.75); the cheapest is enough for 0.5; 0.9 is out of reach."""
    curve = [WEAK, MIDDLE, STRONG]

    assert curves.cost_at(curve, 0.7) == pytest.approx(1 + 2 / 3)
    assert curves.cost_at(curve, 0.8) == pytest.approx(5.0)
    assert curves.cost_at(curve, 0.5) == 1.0
    assert curves.cost_at(curve, 0.9) is None
    assert curves.cost_at([], 0.5) is None


def test_aiq_by_hand_and_by_either_denominator():
    """Trapezoids 0.675 over 1 USD and 0.775 over 3 USD: 3.0 in all, over a range of 4 and a maximum of 5."""
    curve = [WEAK, MIDDLE, STRONG]

    assert curves.aiq(curve) == pytest.approx((0.675 + 3 * 0.775) / 4)
    assert curves.aiq_over_most(curve) == pytest.approx((0.675 + 3 * 0.775) / 5)
    assert curves.eth_auc(curve, weak=WEAK, strong=STRONG) == pytest.approx(curves.aiq(curve))


def test_the_arena_score_and_delta_ibc_by_hand():
    """At 0.0044 USD the cost counts fully; halfway on the log scale it counts half."""
    half = math.sqrt(200 * 0.0044)

    assert curves.arena_score(0.8, 0.0044) == pytest.approx(1.1 * 0.8 / (0.08 + 1))
    assert curves.arena_score(0.8, half) == pytest.approx(1.1 * 0.8 * 0.5 / (0.08 + 0.5))
    assert curves.arena_score(0.8, 0.0) is None
    assert curves.arena_score(0.0, 200.0) == 0
    assert curves.delta_ibc(MIDDLE, weak=WEAK, strong=STRONG) == pytest.approx(0.15 / 0.05 - 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.6, 0.8)), max_size=8), st.floats(0.61, 0.8))
def test_a_better_point_never_raises_the_cost_of_a_quality(points, quality):
    """Adding a point to a curve can only lower what a quality costs."""
    curve = [WEAK, STRONG, *(Spot(1 + 4 * share, value, share) for share, value in points)]

    assert curves.cost_at([*curve, MIDDLE], quality) <= curves.cost_at(curve, quality) + 1e-9


# --- bootstrap


def test_the_interval_draws_whole_clusters():
    """Fifty copies of each value are no more evidence than one."""
    values = np.repeat([0.0, 1.0] * 10, 50)
    alone = interval(values, [str(i) for i in range(1000)])
    together = interval(values, [str(i // 50) for i in range(1000)])

    assert together[1] - together[0] > 3 * (alone[1] - alone[0])
    assert together[0] < 0.5 < together[1]


def test_draws_are_paired_and_repeatable():
    """A column and itself plus one differ by one in every draw, in two calls as in one."""
    values = np.random.default_rng(4).random(60)
    bootstrap = Bootstrap([str(i) for i in range(60)], draws=50)

    both = bootstrap.means(np.column_stack([values, values + 1]))
    again = bootstrap.means(values[:, None])

    assert (both[:, 1] - both[:, 0]).tolist() == pytest.approx([1.0] * 50)
    assert again[:, 0].tolist() == pytest.approx(both[:, 0].tolist())
    assert bounds(again[:, 0])[0] < values.mean() < bounds(again[:, 0])[1]


def test_weights_count_a_row_as_so_many():
    """A row of weight 3 is three copies of it, in the same cluster."""
    values = np.array([0.0, 1.0, 0.5])
    weighted = Bootstrap(["a", "b", "c"], weight=np.array([3.0, 1.0, 1.0]), draws=40)
    copied = Bootstrap(["a", "a", "a", "b", "c"], draws=40)

    assert weighted.interval(values) == pytest.approx(copied.interval(np.array([0.0, 0.0, 0.0, 1.0, 0.5])))


def test_the_interval_covers_the_truth_about_as_often_as_stated():
    """Simulated: 95 % intervals of 200 samples of 150 coin throws."""
    rng = np.random.default_rng(5)
    keys = [str(i) for i in range(150)]
    covered = 0
    for _ in range(200):
        low, high = interval((rng.random(150) < 0.3).astype(float), keys, draws=300)
        covered += low <= 0.3 <= high

    assert 0.88 <= covered / 200 <= 0.99
