from unit.programs.intake.conftest import hub, workbench

__all__ = ["hub", "workbench"]
