"""Benchmarks: ratios to limits that are measured in the same run. `make bench`."""
