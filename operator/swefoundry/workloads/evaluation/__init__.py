"""The evaluation pod: its spec, and its launch."""
