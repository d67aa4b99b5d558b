"""The agent pod: its spec, and its launch."""
