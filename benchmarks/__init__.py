"""Programs that measure. ``python -m benchmarks.<name>``; each prints rates and ratios."""
