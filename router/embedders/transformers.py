"""Models of the sentence-transformers library."""

from __future__ import annotations

from typing import Any

from router.embed import Encode


def load(name: str) -> Encode:
    """Load the model ``name``, a hub's or a folder; the library downloads what is not there."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(name)

    def embed(texts: list[str]) -> Any:
        return model.encode(texts, show_progress_bar=False, convert_to_numpy=True)

    return embed
