"""The checkout pod: its spec, and its launch."""
