"""Models of the model2vec library: static word vectors distilled from a sentence encoder."""

from __future__ import annotations

from typing import Any

from router.embed import Encode


def load(name: str) -> Encode:
    """Load the model ``name``, a hub's or a folder; the library downloads what is not there."""
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(name)

    def embed(texts: list[str]) -> Any:
        return model.encode(texts)

    return embed
