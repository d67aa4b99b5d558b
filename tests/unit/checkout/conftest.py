from unit.intake.conftest import hub, workbench

__all__ = ["hub", "workbench"]
