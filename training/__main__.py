"""``tierwise train``, also ``python -m training``: from labelled answers to a policy bundle."""

from __future__ import annotations

import typer

from training.commands import (
    ab,
    add_tier,
    benchmark,
    collect,
    compare,
    drift,
    evaluate,
    finetune_export,
    fit,
    ingest,
    label,
    promote,
    report,
    rollback,
    run,
    tune,
    ui,
)

app = typer.Typer(
    help="Train, tune, certify and judge a policy on labelled answers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(ingest.ingest)
app.command()(collect.collect)
app.add_typer(label.app, name="label")
app.command()(fit.fit)
app.command()(tune.tune)
app.command()(evaluate.evaluate)
app.command()(report.report)
app.command()(run.run)
app.command()(compare.compare)
app.command()(drift.drift)
app.command()(ab.ab)
app.command()(finetune_export.finetune_export)
app.command()(add_tier.add_tier)
app.command()(promote.promote)
app.command()(rollback.rollback)
app.command()(ui.ui)
app.add_typer(benchmark.app, name="benchmark")

if __name__ == "__main__":
    from router.cli.main import guarded

    guarded(app)
