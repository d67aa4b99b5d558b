from unit.intake.conftest import hub, registry, registry_host, workbench

__all__ = ["hub", "registry", "registry_host", "workbench"]
