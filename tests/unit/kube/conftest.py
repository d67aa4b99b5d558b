from simulated.places import server

__all__ = ["server"]
