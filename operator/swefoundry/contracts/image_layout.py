"""Layout of task images: what their Dockerfiles must produce, and what overlays and evaluations rely on."""

SOURCE_ROOT = "/testbed"
"""Folder of the source tree, and the working directory of every command; the convention of SWE-bench."""
