from simulated.places import front, server, shelf, world

__all__ = ["front", "server", "shelf", "world"]
