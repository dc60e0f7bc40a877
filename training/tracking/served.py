"""The model that MLflow serves: a policy bundle's decisions. MLflow copies this file beside the bundle and runs it."""

from __future__ import annotations

from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class Decider(PythonModel):
    """Answers each prompt with the decision that the bundle would make first. Nothing is sent to any tier."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle and load its embedder; its tiers and prices are those that it was trained with.

        Raises:
            InputError: its embedder is a function or a file, and which one is not for a bundle to say.
            EmbedderError, BundleError: the embedder cannot be loaded, or is another model by now.
        """
        from router.bundle import load
        from router.config import Config
        from router.engine import Router
        from router.errors import InputError
        from router.planning import plan_of
        from router.providers.fake import FakeProvider
        from training.embedding import is_model
        from training.provenance import ladder_from

        bundle = load(Path(context.artifacts["bundle"]))
        tiers = ladder_from(bundle.facts["provenance"]["tiers"]).tiers
        name = None if bundle.embedder is None else bundle.embedder.name
        if name is not None and not is_model(name):
            raise InputError(
                f"the bundle needs the embedder {name!r}, a function or file of somebody's own, which MLflow does not "
                "load on a bundle's word; decide with tierwise itself, whose configuration names it, or train with a "
                "published model"
            )
        config = Config.of(tiers, ledger={"enabled": False}, policy=None if name is None else {"embedder": name})
        plan = plan_of(config, bundle=bundle)
        if plan.embedder is not None:
            plan.embedder(())
        self.router = Router(config, plan=plan, provider=FakeProvider({}))

    # The output has no type: MLflow warns of one that it cannot check, and reads the type of the input.
    def predict(self, model_input: list[str]):  # type: ignore[no-untyped-def, override] # noqa: ANN201
        """Return :meth:`router.engine.Router.decide` for each prompt, as a list of dictionaries."""
        return [self.router.decide(prompt).as_dict() for prompt in model_input]


set_model(Decider())
