from simulated.places import front, registry_host, server, shelf

__all__ = ["front", "registry_host", "server", "shelf"]
