from simulated.fixtures import context, proxy, seeded, server

__all__ = ["context", "proxy", "seeded", "server"]
