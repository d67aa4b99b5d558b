"""The Java recipe."""
