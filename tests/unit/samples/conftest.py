"""Samples are taken in by the real intake, so this needs what its tests have."""

from unit.programs.intake.conftest import harness, hub

__all__ = ["harness", "hub"]
