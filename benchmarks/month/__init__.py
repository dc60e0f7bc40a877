"""Every lever of `tierwise.toml` on one month of SIMULATED traffic, and on the sample's real answers.

    python -m benchmarks.month --quick             every part works; its numbers mean little
    python -m benchmarks.month --save docs/spend   the figures, their table and plot

The traffic and the answers are simulated; the pipeline, its stores, the prices and the tables of configuration are the
ones that serve. docs/spend.md, which is made from the saved figures, says what is assumed.
"""
