"""The key `embedder`, in `[policy]` and in `[train]`."""

from __future__ import annotations

from pathlib import Path

from router.config.table import Table
from router.embedders.names import unknown


def embedder_in(table: Table, folder: Path) -> str | None:
    """Read the embedder's name; the path of a model's file starts from ``folder``.

    Raises:
        ConfigError: there is no embedder of that name.
    """
    name = table.text("embedder")
    if name is None:
        return None
    wrong = unknown(name)
    if wrong is not None:
        raise table.error(wrong, "embedder")
    kind, _, path = name.partition(":")
    return f"{kind}:{folder / Path(path).expanduser()}" if kind == "onnx" else name
