from simulated.fixtures import context, front, server, shelf

__all__ = ["context", "front", "server", "shelf"]
