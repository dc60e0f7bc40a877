"""Benchmarks that anybody can repeat: each module has ``run(*, report, trials) -> BenchmarkResult``."""
