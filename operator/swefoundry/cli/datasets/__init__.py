"""Rows and manifests: import, export and their formats."""
