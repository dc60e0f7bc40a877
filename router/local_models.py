"""The two demo models that run on this machine: where they come from, and where they are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoModel:
    """One small model in GGUF form. ``sha256`` is that of the file."""

    name: str
    file: str
    sha256: str


DEMO_MODELS = {
    model.name: model
    for model in (
        DemoModel(
            name="smollm2-135m-instruct",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        DemoModel(
            name="gemma-3-270m",
            file="gemma-3-270m-q4_k_m.gguf",
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        ),
    )
}


def models_directory() -> Path:
    """Where the models are kept: ``$TIERWISE_MODELS``, else the user's cache."""
    import platformdirs

    chosen = os.environ.get("TIERWISE_MODELS")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("tierwise")) / "models"


def path_of(name: str, *, directory: Path | None = None) -> Path:
    """Where the demo model ``name`` is, or will be once it is pulled."""
    return (directory or models_directory()) / DEMO_MODELS[name].file
