"""The names of embedders. Imports nothing heavy: a configuration is read without numpy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of embedders: the module that loads one, the package that it imports, and what to install for it."""

    home: str
    package: str | None = None
    extra: str = ""


PLAIN: Mapping[str, Kind] = {
    "hashing": Kind("router.embedders.hashing"),
    "wordllama": Kind("router.embedders.word_vectors", "wordllama", "embeddings"),
}
"""Those that are a model by themselves."""

NAMED: Mapping[str, Kind] = {
    "onnx": Kind("router.embedders.onnx", "onnxruntime", "onnx"),
    "sentence-transformers": Kind("router.embedders.transformers", "sentence_transformers", "sentence-transformers"),
    "fastembed": Kind("router.embedders.fast", "fastembed", "fastembed"),
    "model2vec": Kind("router.embedders.static", "model2vec", "model2vec"),
}
"""Those after which a model is named, or the path of its file."""


def unknown(name: str) -> str | None:
    """Why ``name`` names no embedder; None when it may. Nothing is imported."""
    kind, colon, rest = name.partition(":")
    if name in PLAIN or (kind in NAMED and rest) or (colon and kind not in NAMED and _FUNCTION.fullmatch(name)):
        return None
    if kind in NAMED:
        return f"{name!r} lacks {'the path' if kind == 'onnx' else 'the name'} of a model: write {_written(kind)}"
    known = ", ".join([*PLAIN, *map(_written, NAMED)])
    return f"{name!r} is no embedder; there are {known}, and module:function for your own"


def _written(kind: str) -> str:
    return f"{kind}:{'PATH' if kind == 'onnx' else 'NAME'}"


def identity(name: str) -> str:
    """What of ``name`` identifies the model: all of it but the folders of a file, which differ between machines."""
    kind, _, rest = name.partition(":")
    return f"{kind}:{PurePath(rest).name}" if kind == "onnx" else name
