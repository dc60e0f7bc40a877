"""Importing the router is light, and its public names are all there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import router

HEAVY = ("sklearn", "scipy", "pandas", "mlflow", "anthropic", "openai", "sqlalchemy", "xllamacpp", "pyarrow")


def loaded(code: str) -> set[str]:
    """The modules that are loaded after ``code`` ran in a new interpreter."""
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("code", ["import router", "import router.engine", "from router import route, Router"])
def test_importing_loads_no_vendor_and_no_training_library(code):
    modules = loaded(code)

    assert "router" in modules
    assert modules.isdisjoint(HEAVY)
    assert not any(name.split(".")[0] == "training" for name in modules)


def test_importing_the_package_alone_loads_not_even_numpy():
    assert "numpy" not in loaded("import router")


def test_every_public_name_is_there():
    for name in router.__all__:
        assert getattr(router, name).__name__ == name
    assert dir(router) == router.__all__
    with pytest.raises(AttributeError, match="no attribute 'rout'"):
        router.rout  # noqa: B018
