"""WordLlama: static word vectors of 256 numbers, averaged over a text; a tenth of a millisecond for a short one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from router.embed import Encode


def load(_: str) -> Encode:
    """Load the vectors that lie in the package itself; nothing is downloaded."""
    import wordllama

    # Without this folder it looks for its files on the network, though they are in the wheel.
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed(texts: list[str]) -> Any:
        return model.embed(texts)

    return embed
