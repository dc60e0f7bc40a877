"""Adding a tier to a trained bundle from a handful of labels, until there are enough to train anew."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from router.assess import Estimators
from router.bundle import PolicyBundle, Profile
from router.embed import Embedder
from router.errors import InputError
from router.estimators import Calibration, DenseModel
from router.features import HAND, Floats
from router.lengths import LengthModel, TokenModel, length_row
from router.policy import Noted
from router.signals import NAMES
from router.tiers import Ladder
from router.trees import Blend
from training.embedding import with_embeddings
from training.estimators.newton import Logistic
from training.estimators.rasch import RaschHead, graft
from training.estimators.soft_rows import soft_rows
from training.fingerprint import fingerprint
from training.lengths import lengths_of
from training.provenance import provenance
from training.records import Records
from training.table import DEEPEST
from training.tier_labels import FEWEST, TierLabels, labels_of
from training.widening import Place, columns, extended, is_platt, moved, run_of, wider, with_head, with_identity

Scorer = Literal["log-probabilities", "prompt"]

_SPREAD = 1.5
"""The standard deviation of the prior on the slope of a standardised log-probability, around 0."""


@dataclass(frozen=True)
class Added:
    """A bundle with the new tier. ``labels`` prompts it rests on; ``prompt`` is the rung of the prompt head, ``scorer``
    what the confidence in the new tier's answers reads, ``quality`` the labels' mean.
    """

    bundle: PolicyBundle
    labels: int
    prompt: str
    scorer: Scorer
    quality: float


def add_tier(
    bundle: PolicyBundle, records: Records, ladder: Ladder, *, name: str, embedder: Embedder | None = None
) -> Added:
    """Add tier ``name`` to ``bundle`` from its labelled answers in ``records``, all splits of them.

    The prompt head is the known tiers' moved by one number (:class:`training.estimators.RaschHead`); the confidence
    in the new tier's answers is Platt scaling of their mean log-probability, or where they have none what the prompt
    says; lengths are the known tiers' in the proportion of the new one's calls. Rules are extended as
    :func:`training.widening.extended` says. What the bundle says of the tiers that it knew is the same. Nothing is
    certified. A bundle that reads embeddings needs its ``embedder``.

    Raises:
        EmbedderError: the embedder failed.
        NotEnoughLabels: fewer than FEWEST prompts have a labelled answer of the tier.
        InputError: the ladder is not the bundle's with this one tier more, the log does not say with which
            probability the answers were observed, or an embedder is needed and none is given.
    """
    place = Place(ladder.rank(name, where="NAME"), len(ladder))
    _fits(bundle, ladder, place)
    labels = _embedded(labels_of(records, place.rank, name=name), bundle, embedder)
    known = bundle.estimators
    prior = np.array([known.prompt_logits(features) for features in labels.features])
    head = _rasch(labels, prior * known.calibration.slope + known.calibration.shift)
    told = head.coef_ * known.calibration.slope
    raw = copy(head)
    raw.coef_, raw.intercept_ = told, head.intercept_ + float(head.coef_ @ known.calibration.shift)
    answer = _answer_head(labels)
    estimators = Estimators(
        prompt=graft(known.prompt, raw, rank=place.rank),
        calibration=with_identity(known.calibration, place),
        scorer=_scorer(known, place, head, answer),
        length=_lengths(known.length, labels, place),
        dense=known.dense,
        trees=known.trees,
    )
    count = len(labels.queries)
    note = f"uncertified: tier {name!r} was grafted from {count} labels"
    statement = (
        f"Uncertified: tier {name!r} was grafted onto bundle {bundle.version[:16]} from {count} labelled answers. Its "
        "chances and its lengths are estimates from these few, and no quality or cost of the policy with it was "
        "tested; train anew when there are enough labels."
    )
    certificate = {"certified": False, "statement": statement, "labels_needed": None}
    quality = float(np.average(labels.quality, weights=labels.weight))
    grafted = {
        "tier": name,
        "onto": bundle.version,
        "labels": count,
        "quality": quality,
        "data": fingerprint(records),
        "prompt": head.rung_,
        "scorer": "prompt" if answer is None else "log-probabilities",
    }
    profiles = {
        key: Profile(Noted(extended(profile.rule, place), note), {**_kept(profile), "certificate": certificate})
        for key, profile in bundle.profiles.items()
    }
    bound = provenance(ladder, data=str(bundle.facts.get("data")))
    facts = {**bundle.facts, "certificate": certificate, "grafted": grafted, "provenance": bound}
    made = PolicyBundle(
        tiers=ladder.names,
        models=tuple(tier.model for tier in ladder.tiers),
        estimators=estimators,
        profiles=profiles,
        best_single=bundle.best_single,
        facts=facts,
        embedder=bundle.embedder,
    )
    return Added(made, count, head.rung_, "prompt" if answer is None else "log-probabilities", quality)


def _embedded(labels: TierLabels, bundle: PolicyBundle, embedder: Embedder | None) -> TierLabels:
    """The labels with their prompts' embeddings, where the bundle reads those."""
    if bundle.embedder is None:
        return labels
    if embedder is None:
        raise InputError(f"the bundle reads embeddings of {bundle.embedder.name!r}; name that embedder")
    requests = [query.request for query in labels.queries]
    return replace(labels, features=with_embeddings(labels.features, requests, embedder))


def _kept(profile: Profile) -> dict[str, Any]:
    """What holds of a profile's rule with another tier as well: what it is for."""
    return {key: value for key, value in profile.facts.items() if key == "objective"}


def _fits(bundle: PolicyBundle, ladder: Ladder, place: Place) -> None:
    names = tuple(ladder.names[rank] for rank in place.known)
    if bundle.tiers != names:
        raise InputError(
            f"the bundle is for the tiers {', '.join(bundle.tiers)}, and the configuration has {', '.join(names)} "
            f"beside {ladder.names[place.rank]!r}; configure the bundle's tiers and this one more"
        )
    for rank, trained in zip(place.known, bundle.models, strict=True):
        if ladder.tiers[rank].model != trained:
            raise InputError(
                f"the bundle was trained on {trained!r} as tier {ladder.names[rank]!r}, and the configuration has "
                f"{ladder.tiers[rank].model!r}; configure the same model, or train anew"
            )


def _rasch(labels: TierLabels, known: Floats) -> Any:
    soft = soft_rows(known, labels.quality, labels.weight)
    groups = np.array([query.split_key for query in labels.queries])[soft.source]
    return RaschHead().fit(soft.X, soft.y, sample_weight=soft.weight, groups=groups)


@dataclass(frozen=True, slots=True)
class _AnswerHead:
    """A logit linear in an answer's mean token logit; ``mean`` stands in for a missing one."""

    slope: float
    shift: float
    mean: float


def _answer_head(labels: TierLabels) -> _AnswerHead | None:
    """Platt scaling with Platt's own smoothed targets (Platt 1999); None where it would rest on too little."""
    known = ~np.isnan(labels.surety)
    if known.sum() < FEWEST or np.ptp(labels.surety[known]) < 1e-9:
        return None
    surety, quality, weight = labels.surety[known], labels.quality[known], labels.weight[known]
    good, bad = float(weight @ quality), float(weight @ (1 - quality))
    target = quality * (good + 1) / (good + 2) + (1 - quality) / (bad + 2)
    mean, spread = float(surety.mean()), float(surety.std())
    design = np.column_stack(((surety - mean) / spread, np.ones(len(surety))))
    theta = Logistic(design, target=target, weight=weight).solve(np.array([_SPREAD**-2, 0.0]), tolerance=1e-8)
    slope = float(theta[0]) / spread
    if slope <= 0:  # a surer answer is no worse one: what the prompt says is all that is known
        return None
    return _AnswerHead(slope=slope, shift=float(theta[1]) - slope * mean, mean=mean)


def _scorer(
    known: Estimators, place: Place, head: Any, answer: _AnswerHead | None
) -> dict[int, tuple[DenseModel | Blend, Calibration]]:
    """A scorer for every old state, for each with the new tier's answer on top, and for the new one's alone.

    The known tiers' heads are the old ones; where the new tier alone has answered, they say what the prompt says.
    """
    found: dict[int, tuple[DenseModel | Blend, Calibration]] = {}
    for mask, (model, calibration) in known.scorer.items():
        run = tuple(place.of(rank) for rank in run_of(mask))
        state = sum(1 << rank for rank in run)
        maps = with_identity(calibration, place)
        places = moved(mask, place, answered=False)
        same = wider(model, places, len(columns(place.tiers, run)), place)
        weights, intercept = _before(known, mask, place, places, head)
        found[state] = (with_head(same, place, weights=weights, intercept=intercept), maps)
        if len(run) < DEEPEST:
            both = tuple(sorted((*run, place.rank)))
            more = wider(model, moved(mask, place, answered=True), len(columns(place.tiers, both)), place)
            found[state | 1 << place.rank] = (_answered(more, place, both, answer), maps)
    alone = (place.rank,)
    width = len(columns(place.tiers, alone))
    weights = np.zeros((width, place.tiers))
    weights[range(place.tiers), range(place.tiers)] = 1.0  # each tier's logit from the prompt, as it is
    plain = DenseModel(np.zeros(width), np.ones(width), weights, np.zeros(place.tiers))
    found[1 << place.rank] = (_answered(plain, place, alone, answer), with_identity(known.calibration, place))
    return found


def _before(known: Estimators, mask: int, place: Place, places: Sequence[int], head: Any) -> tuple[Floats, float]:
    """The new tier's head before it has answered: what the prompt says of it, moved as the known tiers' chances moved
    that have not answered either. Where these are not linear, or all have answered, it is what the prompt says.
    """
    model, calibration = known.scorer[mask]
    run = run_of(mask)
    weights = np.zeros(len(columns(place.tiers, [place.of(rank) for rank in run])))
    weights[place.rank] = 1.0
    silent = [rank for rank in range(place.tiers - 1) if rank not in run]
    if not silent or isinstance(model, Blend) or not (is_platt(calibration) and is_platt(known.calibration)):
        return weights, 0.0
    share = float(head.coef_.sum()) / len(silent)
    intercept = 0.0
    for rank in silent:
        line = model.weights[:, rank] / model.scale
        weights[places] += share * calibration.slope[rank] * line
        intercept += share * (calibration.slope[rank] * (model.intercept[rank] - line @ model.mean))
        intercept += share * (calibration.shift[rank] - known.calibration.shift[rank])
        weights[place.of(rank)] -= share * known.calibration.slope[rank]
    return weights, float(intercept)


def _answered(
    model: DenseModel | Blend, place: Place, run: Sequence[int], answer: _AnswerHead | None
) -> DenseModel | Blend:
    """``model`` with the new tier's head after its own answer: its log-probability, or what the prompt says."""
    linear = model.linear if isinstance(model, Blend) else model
    weights = np.zeros(len(linear.mean))
    if answer is None:
        weights[place.rank] = 1.0
        return with_head(model, place, weights=weights, intercept=0.0)
    where = columns(place.tiers, run).index(("signal", place.rank, NAMES.index("logit_mean"), 0))
    weights[where] = answer.slope
    mean = linear.mean.copy()
    mean[where] = answer.mean  # which a missing log-probability counts as
    return with_head(model, place, weights=weights, intercept=answer.shift, scales=replace(linear, mean=mean))


def _lengths(known: LengthModel, labels: TierLabels, place: Place) -> LengthModel:
    """Lengths of the new tier's calls: the known tiers' on average, in the proportion of the calls that there are."""
    measured = lengths_of(labels.queries)
    rows = [length_row(features, chars) for features, chars in zip(labels.features, measured.chars, strict=True)]
    seen = np.array(rows).reshape(-1, len(HAND) + 1), measured.chars
    return LengthModel(
        prompt=_tokens(known.prompt, *seen, measured.read[:, labels.rank], place),
        answer=_tokens(known.answer, *seen, measured.written[:, labels.rank], place),
    )


def _tokens(known: TokenModel, rows: Floats, chars: Floats, tokens: Floats, place: Place) -> TokenModel:
    told = ~np.isnan(tokens)
    per_char, overhead, fewest = (float(a.mean()) for a in (known.tokens_per_char, known.overhead, known.fewest))
    weights, start = known.weights.mean(axis=1), float(known.intercept.mean())
    line = np.maximum(np.maximum(overhead + per_char * chars[told], fewest * chars[told]), 1e-9)
    logs = start + ((rows[told] - known.mean) / known.scale) @ weights
    off = np.log(np.maximum(tokens[told], 1)) - np.log(line) - logs
    longer = float(off.mean()) if told.any() else 0.0
    smear = float(np.exp(off - longer).mean()) if told.any() else float(known.smear.mean())
    smears = np.insert(known.smear, place.rank, smear)
    return TokenModel(
        tokens_per_char=np.insert(known.tokens_per_char, place.rank, per_char),
        overhead=np.insert(known.overhead, place.rank, overhead),
        fewest=np.insert(known.fewest, place.rank, fewest),
        mean=known.mean,
        scale=known.scale,
        weights=np.insert(known.weights, place.rank, weights, axis=1),
        intercept=np.insert(known.intercept, place.rank, start + longer),
        least=np.insert(known.least, place.rank, float(known.least.mean()) + longer),
        most=np.insert(known.most, place.rank, float(known.most.mean()) + longer),
        smear=smears,
        carry=np.insert(np.insert(known.carry, place.rank, 0.0, axis=1), place.rank, 0.0, axis=0),
        carry_smear=np.insert(np.insert(known.carry_smear, place.rank, smear, axis=1), place.rank, smears, axis=0),
    )
