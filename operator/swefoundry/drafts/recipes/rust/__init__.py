"""The Rust recipe."""
