"""The build pod: its spec, and its launch."""
