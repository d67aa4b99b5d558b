"""Reuse of proven images: candidates, the checkout over them, and the records of what was proven."""
