"""Fixtures of the tests of intake, because the samples are processed by the real intake."""

from unit.programs.intake.conftest import harness, hub

__all__ = ["harness", "hub"]
