"""LLMRouter's kNN, SVM and MLP routers: their labels, their models with their defaults, their training, their choice.

Items are rows of "features" in place of the Longformer embeddings; a row with a "performance" for each model is trained
on, the others are routed one by one. Each class is fed through the files that it reads. Their packages' ``__init__``
import every router with transformers, LiteLLM and more, so these three are replaced by empty ones and only the modules
that are needed are loaded; calling models and looking up embeddings are replaced by stand-ins.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

SAVED = "model.pkl"
DEFAULTS: dict[str, dict[str, Any]] = {
    "knn": {
        "n_neighbors": 5,
        "weights": "uniform",
        "algorithm": "auto",
        "leaf_size": 30,
        "p": 2,
        "metric": "minkowski",
    },
    "svm": {"kernel": "rbf", "C": 1.0, "gamma": "scale"},  # and chances, which its choice does not read
    "mlp": {
        "hidden_layer_sizes": [128, 64],
        "activation": "relu",
        "lr": 0.001,
        "epochs": 100,
        "batch_size": 32,
        "alpha": 0.0001,
    },
}
"""The hyper-parameters of its example configurations."""


def load(kind: str) -> tuple[Any, Any, ModuleType]:
    """The router's class, its trainer's class, and the module of the former."""
    found = importlib.util.find_spec("llmrouter")
    assert found is not None
    assert found.submodule_search_locations is not None
    root = Path(found.submodule_search_locations[0])
    for name in ("models", "utils", "data"):
        package = ModuleType(f"llmrouter.{name}")
        package.__path__ = [str(root / name)]
        sys.modules[package.__name__] = package
    utils, data = sys.modules["llmrouter.utils"], sys.modules["llmrouter.data"]
    files = importlib.import_module("llmrouter.utils.data_loader")
    for name in ("load_csv", "load_jsonl", "jsonl_to_csv", "load_pt"):
        setattr(utils, name, getattr(files, name))
    models = importlib.import_module("llmrouter.utils.model_loader")
    # Its routers load the model anew for every prompt.
    stand_ins = {"load_model": functools.cache(models.load_model), "save_model": models.save_model}
    for name in ("get_longformer_embedding", "call_api", "generate_task_query", "calculate_task_performance"):
        stand_ins[name] = MagicMock()
    for name, value in stand_ins.items():
        setattr(utils, name, value)
    data.DataLoader = importlib.import_module("llmrouter.data.data_loader").DataLoader  # type: ignore[attr-defined]
    router = importlib.import_module(f"llmrouter.models.{kind}router.router")
    trainer = importlib.import_module(f"llmrouter.models.{kind}router.trainer")
    names = {"knn": ("KNNRouter", "KNNRouterTrainer"), "svm": ("SVMRouter", "SVMRouterTrainer")}
    mine, its = names.get(kind, ("MLPRouter", "MLPTrainer"))
    return getattr(router, mine), getattr(trainer, its), router


def choices(kind: str, items: list[dict[str, Any]], *, seed: int, folder: Path) -> list[int]:
    """The number of the model that each item without a "performance" is given."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    known = [item for item in items if "performance" in item]
    asked = torch.tensor([item["features"] for item in items if "performance" not in item])
    torch.save(torch.tensor([item["features"] for item in known]), folder / "embeddings.pt")
    rows = [
        {"query": place, "embedding_id": place, "model_name": str(model), "performance": value}
        for place, item in enumerate(known)
        for model, value in enumerate(item["performance"])
    ]
    (folder / "routing.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    saved = str(folder / SAVED)
    config = {
        "data_path": {
            "query_embedding_data": str(folder / "embeddings.pt"),
            "routing_data_train": str(folder / "routing.jsonl"),
        },
        "model_path": {"ini_model_path": "", "save_model_path": saved, "load_model_path": saved},
        "metric": {"weights": {"performance": 1, "cost": 0, "llm_judge": 0}},
        "hparam": DEFAULTS[kind],
    }
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    router_class, trainer_class, module = load(kind)
    module.get_longformer_embedding = lambda place: asked[place]  # type: ignore[attr-defined]
    router = router_class(str(folder / "config.yaml"))
    trainer_class(router, device="cpu").train()
    return [int(router.route_single({"query": place})["model_name"]) for place in range(len(asked))]


def main() -> None:
    """Train on the items that have a performance and route the others."""
    out, sys.stdout = sys.stdout, sys.stderr
    items = [json.loads(line) for line in sys.stdin]
    with tempfile.TemporaryDirectory() as folder:
        for choice in choices(sys.argv[1], items, seed=int(sys.argv[2]), folder=Path(folder)):
            out.write(f"{choice}\n")


if __name__ == "__main__":
    main()
