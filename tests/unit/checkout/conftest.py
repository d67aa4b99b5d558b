from unit.store.conftest import registry, server

__all__ = ["registry", "server"]
