"""What the report says beside the evaluation: whose run it was, on what data, at what price in time and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """Everything the page shows that is no result of the evaluation; each part may be left out.

    ``created`` is in seconds since the epoch. ``target_quality`` is a share of the strongest tier's quality or, with
    ``target_kind="absolute"``, a quality; ``budget`` is USD per 1,000 requests. ``profiles`` has facts by name
    (``target_quality``, ``budget``, ``rule``, ``quality``, ``cost_per_1k``, ``certified``). ``data`` has ``source``,
    ``hash``, ``rows``, ``queries``, ``estimated_tokens``, ``tokens`` ("logged", or how they were estimated), ``cannot``
    (what the log does not support, None where nothing), and by name ``splits`` and ``labels`` (per tier).
    ``rungs`` has ``rung``, ``area`` (cross-validated policy area), ``picked`` and ``why``. ``thresholds`` and
    ``certificate``, where given, go before those of the evaluation. ``champion`` is the champion's evaluation on the
    same rows, ``comparison`` paired differences by figure (``{"quality": {"difference": ..., "interval": [lo, hi]}}``),
    challenger minus champion. ``wall_seconds`` and ``peak_mib`` are of the whole training run. ``simulated`` puts a
    banner on top that no reader can miss.
    """

    title: str = "Policy report"
    run_id: str = ""
    created: float | None = None
    target_quality: float | None = None
    target_kind: Literal["share", "absolute"] = "share"
    budget: float | None = None
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    rungs: Sequence[Mapping[str, Any]] = ()
    thresholds: Sequence[Mapping[str, Any]] | None = None
    certificate: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    champion: Mapping[str, Any] | None = None
    comparison: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    wall_seconds: float | None = None
    peak_mib: float | None = None
    simulated: bool = False
