from unit.intake.conftest import registry, registry_host

__all__ = ["registry", "registry_host"]
