"""A short name for the content of records, so that a bundle and a run say which data they came from."""

from __future__ import annotations

import hashlib

from training.records import Records


def fingerprint(records: Records) -> str:
    """Return a hash over prompts, answers, tokens, labels, inclusion probabilities and splits, in any order of queries.

    Sixteen hexadecimal digits.
    """
    digest = hashlib.sha256("\x1f".join(records.tiers).encode())
    ordered = sorted(records.queries, key=lambda query: query.id)
    # Which queries belong together matters, not what that is called: ingest gives split keys names of its own.
    first: dict[str, str] = {}
    for query in ordered:
        together = first.setdefault(query.split_key, query.id)
        parts = [query.id, query.request.prompt_hash, query.split, together, repr(query.inclusion)]
        for outcome in query.outcomes:
            if outcome is None:
                parts.append("")
            else:
                said = outcome.completion
                label = (outcome.quality, outcome.source, outcome.weight, outcome.judge)
                parts.append(f"{said.text}\x1d{said.usage}\x1d{label}")
        digest.update("\x1e".join(parts).encode("utf-8", "surrogatepass") + b"\x1c")
    return digest.hexdigest()[:16]
