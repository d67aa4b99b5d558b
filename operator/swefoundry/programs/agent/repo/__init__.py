"""The source tree as agents see it: safe access, search tools and a summary."""
