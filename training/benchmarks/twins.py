"""The same prompts twice, once noised: whether a router gives both the same tier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.features import Floats
from router.types import Request
from training.steps import Ranks


@dataclass(frozen=True, kw_only=True)
class Twins:
    """m prompts and the same ones noised."""

    plain: tuple[Request, ...]
    noised: tuple[Request, ...]

    def __len__(self) -> int:
        return len(self.plain)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """``same`` (m,) is 1 where both twins have the same tier; ``mix`` and ``noised_mix`` (K,) are the tiers' shares."""

    same: Floats
    mix: Floats
    noised_mix: Floats

    @property
    def kappa(self) -> float:
        """Agreement beyond what these two mixes share by chance (Cohen 1960): 0 by chance, NaN where constant."""
        chance = float(self.mix @ self.noised_mix)
        return (float(self.same.mean()) - chance) / (1 - chance) if chance < 1 else math.nan

    def as_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """The figures by name."""
        return {
            "robustness": 100.0 * float(self.same.mean()),
            "kappa": self.kappa,
            "largest_share": float(self.mix.max()),
            "mix": dict(zip(names, self.mix.tolist(), strict=True)),
            "noised_mix": dict(zip(names, self.noised_mix.tolist(), strict=True)),
        }


def compared(plain: Ranks, noised: Ranks, *, tiers: int) -> Decided:
    """What a router decided that asks the tiers ``plain`` and ``noised`` (m,), of so many."""
    return Decided(
        same=(plain == noised).astype(float),
        mix=np.bincount(plain, minlength=tiers) / len(plain),
        noised_mix=np.bincount(noised, minlength=tiers) / len(noised),
    )


def words_kept(twins: Twins) -> float:
    """Of the different words of two twins the share that both have, on average."""
    shares = []
    for plain, noised in zip(twins.plain, twins.noised, strict=True):
        one, other = set(plain.text.lower().split()), set(noised.text.lower().split())
        shares.append(len(one & other) / len(one | other))
    return float(np.mean(shares))
