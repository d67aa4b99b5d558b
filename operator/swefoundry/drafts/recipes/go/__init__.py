"""The Go recipe."""
