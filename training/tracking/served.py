"""The model that MLflow serves: a policy bundle's decisions. MLflow copies this file beside the bundle and runs it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*Any type hint")  # a decision has values of many types, and is output

    class Decider(PythonModel):
        """Answers each prompt with the decision that the bundle would make first. Nothing is sent to any tier."""

        def load_context(self, context: PythonModelContext) -> None:
            """Read the bundle; its tiers and prices are those that it was trained with."""
            from router.bundle import load
            from router.config import Config
            from router.engine import Router
            from router.planning import plan_of
            from router.providers.fake import FakeProvider
            from training.provenance import ladder_from

            bundle = load(Path(context.artifacts["bundle"]))
            config = Config.of(ladder_from(bundle.facts["provenance"]["tiers"]).tiers, ledger={"enabled": False})
            self.router = Router(config, plan=plan_of(config, bundle=bundle), provider=FakeProvider({}))

        def predict(self, model_input: list[str]) -> list[dict[str, Any]]:  # type: ignore[override] # read by MLflow
            """Return :meth:`router.engine.Router.decide` for each prompt, as a list of dictionaries."""
            return [self.router.decide(prompt).as_dict() for prompt in model_input]


set_model(Decider())
