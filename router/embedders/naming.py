"""From the name of an embedder to the embedder."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from router.embed import Encode, Fitted, Imprint, Lazy
from router.embedders.names import NAMED, PLAIN, identity, unknown
from router.errors import EmbedderError


def embedder_named(name: str, *, imprint: Imprint | None = None, fitted: Fitted = "bundle") -> Lazy:
    """The embedder that ``name`` names, not yet loaded; where there is an ``imprint``, it must turn out to be that.

    ``fitted`` is what was made with it, for the error that says that it is another one.

    Raises:
        EmbedderError: there is none of that name.
    """
    wrong = unknown(name)
    if wrong is not None:
        raise EmbedderError(wrong)
    return Lazy(identity(name), _loader(name), imprint=imprint, fitted=fitted)


def _loader(name: str) -> Callable[[], Encode]:
    first, _, rest = name.partition(":")
    kind = PLAIN.get(name) or NAMED.get(first)
    if kind is None:
        return lambda: _own(name)

    def load() -> Encode:
        try:
            if kind.package is not None:
                import_module(kind.package)
        except ImportError as error:
            raise EmbedderError(
                f"the embedder {name!r} needs the package {kind.package}, which cannot be imported ({error}); run "
                f"`pip install 'tierwise[{kind.extra}]'`"
            ) from error
        try:
            made: Encode = import_module(kind.home).load(rest)
        except EmbedderError:
            raise
        except Exception as error:
            raise EmbedderError(
                f"the embedder {name!r} cannot be loaded ({type(error).__name__}: {error}); see that its model is "
                "there, or can be fetched, and is whole"
            ) from error
        return made

    return load


def _own(name: str) -> Encode:
    """The user's function.

    Raises:
        EmbedderError: there is no such module or function, or it cannot be called.
    """
    module, _, path = name.partition(":")
    try:
        found = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise EmbedderError(
            f"the embedder {name!r} cannot be loaded ({type(error).__name__}: {error}); see that the module is on "
            "Python's path and has the function"
        ) from error
    if not callable(found):
        raise EmbedderError(f"the embedder {name!r} is no function")
    return found
