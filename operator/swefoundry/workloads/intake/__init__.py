"""The intake pod: its spec, and its launch."""
