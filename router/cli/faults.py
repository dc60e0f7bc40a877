"""What went wrong, in one sentence for whoever typed the command."""

from __future__ import annotations

EXTRAS = {
    "sklearn": "train",
    "pandas": "train",
    "scipy": "train",
    "pyarrow": "train",
    "mlflow": "train",
    "joblib": "train",
    "jsonschema": "train",
    "xllamacpp": "local",
    "psycopg": "postgres",
}
"""Which extra brings a package that only some commands need."""


def sentence(error: Exception) -> str:
    """Say what is wrong: our own errors say it already, others name a file or a package."""
    if isinstance(error, ImportError) and error.name is not None:
        package = error.name.partition(".")[0]
        if package in EXTRAS:
            return f"this needs {package}, which is not installed; run `pip install 'tierwise[{EXTRAS[package]}]'`"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    return str(error) or type(error).__name__
