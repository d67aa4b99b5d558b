from simulated.fixtures import server

__all__ = ["server"]
