"""Wherever the process ends, before or after any write of the journal: nothing is lost, nothing is paid twice."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.batch.answers import asked
from router.batch.journal import Journal
from router.batch.rounds import Rounds
from router.batch.rows import read
from router.batch.running import _line
from tests.batch.conftest import batch_vendor, ladder_at, router_at
from tests.kit import Book

PROMPTS = ("easy a", "hard b", "easy c", "hard d")


class End(BaseException):
    """Stands for the end of the process."""


class EndsAt(Journal):
    """A journal in whose nth write the process ends: before it, or after it was committed."""

    left = 10**9
    after = False

    @contextmanager
    def _writing(self):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise End
        with super()._writing() as db:
            yield db
        if self.left == 0:
            raise End


def attempt(vendor, folder: Path, book: Book, *, api: str, direct: bool, writes: int, after: bool) -> bool:
    """One process: whether it came to the end."""
    tiers = ["large"] if direct else ["small", "large"]
    router = router_at(ladder_at(vendor.url, api), book=book, batch={"tiers": tiers})
    means = router._batching._means(router.config.batch)
    rows = read(folder / "in.jsonl", router.plan, applied=lambda request: request)
    with closing(router), closing(EndsAt(folder / "journal")) as journal:
        journal.left, journal.after = writes, after
        rounds = None
        try:
            journal.add(_line(row, means) for row in rows.rows)
            rounds = Rounds(means, journal)
            for line in journal.waiting():
                rounds.add(line, asked(line))
            while rounds.busy:
                pause = rounds.advance()
                if rounds.busy:
                    rounds.wait(min(pause, 1.0))
        except End:
            return False
        finally:
            journal.left = 10**9
            if rounds is not None:
                rounds.close()
        return len(list(journal.outcomes())) == len(PROMPTS)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    ends=st.lists(st.tuples(st.integers(1, 14), st.booleans()), min_size=1, max_size=3),
    api=st.sampled_from(("openai-chat", "anthropic")),
)
def test_nothing_is_lost_or_paid_twice_wherever_the_process_ends(ends, api):
    """Up to three processes end anywhere; the last one comes to the end."""
    with TemporaryDirectory() as name, batch_vendor.serving() as vendor:
        folder, book = Path(name), Book()
        (folder / "in.jsonl").write_text("".join(f'{{"prompt": "{prompt}"}}\n' for prompt in PROMPTS))
        for writes, after in ends:
            attempt(vendor, folder, book, api=api, direct=False, writes=writes, after=after)

        assert attempt(vendor, folder, book, api=api, direct=False, writes=10**9, after=False)
        assert (vendor.twice, vendor.billed.total()) == (0, 6)
        costs = {decision.id: decision.cost for decision, _ in book.entries}
        assert (len(costs), sum(costs.values())) == (4, 6 * 20_000)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes=st.integers(1, 12), after=st.booleans())
def test_no_request_is_lost_where_a_tier_is_asked_directly(writes, after):
    """A call that was under way may be billed again, which its decision then says; no other is."""
    with TemporaryDirectory() as name, batch_vendor.serving() as vendor:
        folder, book = Path(name), Book()
        (folder / "in.jsonl").write_text("".join(f'{{"prompt": "{prompt}"}}\n' for prompt in PROMPTS))
        attempt(vendor, folder, book, api="openai-chat", direct=True, writes=writes, after=after)

        assert attempt(vendor, folder, book, api="openai-chat", direct=True, writes=10**9, after=False)
        told = sum("may have been billed" in note for decision, _ in book.entries for note in decision.notes)
        assert vendor.twice <= told
