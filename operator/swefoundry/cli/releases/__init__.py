"""Pairs of releases of a package, as candidates for instances: what changed between OLD and NEW is fix and tests."""
