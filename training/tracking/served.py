"""The model that MLflow serves: a policy bundle's decisions. MLflow copies this file beside the bundle and runs it."""

from __future__ import annotations

from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


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
        tiers = ladder_from(bundle.facts["provenance"]["tiers"]).tiers
        policy = None if bundle.embedder is None else {"embedder": bundle.embedder.name}
        config = Config.of(tiers, ledger={"enabled": False}, policy=policy)
        self.router = Router(config, plan=plan_of(config, bundle=bundle), provider=FakeProvider({}))

    # The output has no type: MLflow warns of one that it cannot check, and reads the type of the input.
    def predict(self, model_input: list[str]):  # type: ignore[no-untyped-def, override] # noqa: ANN201
        """Return :meth:`router.engine.Router.decide` for each prompt, as a list of dictionaries."""
        return [self.router.decide(prompt).as_dict() for prompt in model_input]


set_model(Decider())
