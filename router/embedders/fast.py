"""Models of the fastembed library."""

from __future__ import annotations

from typing import Any

from router.embed import Encode


def load(name: str) -> Encode:
    """Load the model ``name``; the library downloads what is not there."""
    from fastembed import TextEmbedding

    model = TextEmbedding(model_name=name)

    def embed(texts: list[str]) -> Any:
        return list(model.embed(texts))

    return embed
