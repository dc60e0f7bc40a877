"""Reading `[cache.semantic]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.config.embedder import embedder_in
from router.config.table import Table
from router.embedders.names import identity
from router.errors import EmbedderError, InputError

if TYPE_CHECKING:
    from router.cache.semantic.settings import SemanticSettings

_LONGEST = 60


def semantic_settings(
    table: Table | None,
    folder: Path,
    *,
    store: str,
    path: Path | None,
    url: str | None,
    password_env: str | None,
    namespace: str,
    timeout: float,
) -> SemanticSettings | None:
    """Read `[cache.semantic]`, None without it; paths in it start from ``folder``.

    Vectors are kept beside the answers, wherever these are: in a file of its own beside an SQLite ``path``, in the
    Redis at ``url``, and in the process's memory where the answers are in memory or in Memcached, which cannot be
    searched. The other arguments are those of `[cache]`.

    Raises:
        ConfigError: a key is unknown or does not fit, there is no fit, or it is one for another embedder.
    """
    if table is None:
        return None
    from router.cache.semantic.fit_file import load
    from router.cache.semantic.search import indexed
    from router.cache.semantic.settings import FLAT, SemanticSettings
    from router.embedders.naming import embedder_named
    from router.stores.vectors import Remembered

    table.only("fit", "embedder", "timeout", "max_entries", "candidates", "vectors")
    try:
        fit = load(folder / Path(table.required("fit")).expanduser())
    except InputError as error:
        raise table.error(str(error), "fit") from None
    name = embedder_in(table, folder) or fit.imprint.name
    if identity(name) != fit.imprint.name:
        raise table.error(
            f"is {identity(name)!r}, and the threshold was fitted for {fit.imprint.name!r}; name that one, or run "
            "`tierwise cache fit` with the other",
            "embedder",
        )
    try:
        embedder = embedder_named(name, imprint=fit.imprint, fitted="cache")
    except EmbedderError as error:
        raise table.error(str(error), "embedder") from None
    entries: int | None = table.whole("max_entries", least=1)
    if entries is not None and entries > FLAT and not indexed():
        raise table.error(
            f"is above {FLAT:,}, and an index of so many needs the package usearch, which is not installed; run "
            "`pip install 'tierwise[search]'`",
            "max_entries",
        )
    model = f"{fit.imprint.name} {fit.imprint.fingerprint}"
    timeout_: Any = table.number("timeout", above=0, most=_LONGEST)
    remembered = table.text("vectors")
    return SemanticSettings(
        embedder=Remembered(
            embedder, identity=model, path=None if remembered is None else folder / Path(remembered).expanduser()
        ),
        threshold=fit.threshold.value,
        identity=model,
        timeout=0.5 if timeout_ is None else float(timeout_),
        store="sqlite" if store == "sqlite" else "redis" if store == "redis" else "memory",
        path=None if path is None else path.with_name(f"{path.stem}-vectors{path.suffix}"),
        url=url if store == "redis" else None,
        password_env=password_env,
        namespace=namespace,
        store_timeout=timeout,
        max_entries=entries or FLAT,
        candidates=table.whole("candidates", least=1) or 8,
    )
