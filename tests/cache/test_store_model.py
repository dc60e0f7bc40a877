"""Stores against a model of a few lines, under any order of words and any passing of time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.cache.settings import CacheSettings
from router.stores.answers import Claim, answers_in
from tests.kit import Clock

KEY = "k"

tokens = st.sampled_from(("t1", "t2"))
values = st.sampled_from((b"one", b"two"))
times = st.sampled_from((1.0, 3.0))
pauses = st.sampled_from((0.0, 0.5, 2.0))


@dataclass
class Timed:
    """A value that runs out."""

    value: bytes
    until: float


class Stores(RuleBasedStateMachine):
    """Memory and a file, told the same, say the same as the model."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.folder = TemporaryDirectory()
        kinds = (CacheSettings(), CacheSettings(store="sqlite", path=Path(self.folder.name) / "c.db", timeout=5.0))
        self.stores = [answers_in(each, clock=self.clock, wall=self.clock) for each in kinds]
        self.entry: Timed | None = None
        self.lease: Timed | None = None

    def now(self, held: Timed | None) -> bytes | None:
        """What is held now."""
        return held.value if held is not None and held.until > self.clock.now else None

    @rule(after=pauses, value=values, ttl=times, token=st.none() | tokens)
    def puts(self, after: float, value: bytes, ttl: float, token: str | None) -> None:
        self.clock.now += after
        for store in self.stores:
            store.put(KEY, value, ttl=ttl, token=token)
        self.entry = Timed(value, self.clock.now + ttl)
        if token is not None and self.now(self.lease) == token.encode():
            self.lease = None

    @rule(after=pauses, token=tokens, seconds=times, seen=st.none() | values)
    def claims(self, after: float, token: str, seconds: float, seen: bytes | None) -> None:
        self.clock.now += after
        value, lease = self.now(self.entry), self.now(self.lease)
        if value is not None and value != seen:
            expected = Claim(value=value)
        elif lease is not None:
            expected = Claim(busy=lease != b"-")
        else:
            expected = Claim(granted=True)
            self.lease = Timed(token.encode(), self.clock.now + seconds)
        for store in self.stores:
            assert store.claim(KEY, seen=seen, token=token, seconds=seconds) == expected

    @rule(after=pauses, token=tokens, passing=st.sampled_from((0.0, 2.0)))
    def releases(self, after: float, token: str, passing: float) -> None:
        self.clock.now += after
        for store in self.stores:
            store.release(KEY, token=token, passing=passing)
        if self.now(self.lease) == token.encode():
            self.lease = Timed(b"-", self.clock.now + passing) if passing else None

    @rule()
    def clears(self) -> None:
        for store in self.stores:
            store.clear(None, None)
        self.entry = None

    @invariant()
    def they_hold_what_the_model_holds(self) -> None:
        held = self.now(self.entry)
        for store in self.stores:
            assert store.get(KEY) == held
            assert store.stock().entries == (held is not None)

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
