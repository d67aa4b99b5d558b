from unit.programs.intake.conftest import harness, hub

__all__ = ["harness", "hub"]
