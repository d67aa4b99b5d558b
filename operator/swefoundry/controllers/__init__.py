"""The controllers of both resources: watch, work queue, reconcile, status."""
