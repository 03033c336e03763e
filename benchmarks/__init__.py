"""Measurements of Aftershock against what people use today; docs/benchmarks.md tells how to read them."""
