"""Offline validation of manifests, with the same results as the CRDs' own rules."""
