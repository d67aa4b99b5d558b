from simulated.places import front, registry_host, server, shelf, world

__all__ = ["front", "registry_host", "server", "shelf", "world"]
