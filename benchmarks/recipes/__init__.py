"""Benchmark of the Python recipe on release pairs of real packages, without a cluster and without a model."""
