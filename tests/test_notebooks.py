"""The notebooks run from top to bottom, use public names only, and are kept without outputs."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("01_quickstart", "02_train_a_policy", "03_compare_experiments")


def cells(name):
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_every_notebook_is_named_here():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs(name):
    code = [cell for cell in cells(name) if cell["cell_type"] == "code"]

    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert [cell["execution_count"] for cell in code] == [None] * len(code)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_uses_public_names_only(name):
    """No name that begins with an underscore, neither imported nor reached into."""
    for cell in cells(name):
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            imported = [
                alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
            ]
            reached = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
            assert [word for word in imported + reached if word.startswith("_")] == []


@pytest.mark.notebooks
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("default")  # what a kernel's packages warn of is theirs
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom(name):
    import nbclient
    import nbformat

    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)

    done = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()

    printed = [cell for cell in done.cells if cell.cell_type == "code" and cell.outputs]
    assert printed
    assert not [out for cell in printed for out in cell.outputs if out.output_type == "error"]
