"""``tierwise train``, also ``python -m training``: from labelled answers to a policy bundle."""

from __future__ import annotations

import typer

from training.commands import benchmark, evaluate, fit, ingest, label, report, tune

app = typer.Typer(
    help="Train, tune, certify and judge a policy on labelled answers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(ingest.ingest)
app.add_typer(label.app, name="label")
app.command()(fit.fit)
app.command()(tune.tune)
app.command()(evaluate.evaluate)
app.command()(report.report)
app.add_typer(benchmark.app, name="benchmark")

if __name__ == "__main__":
    from router.cli.main import guarded

    guarded(app)
