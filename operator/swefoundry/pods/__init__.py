"""Our types to Pod JSON and back: names, hardening, one builder per role, and the reading of pod status. Pure."""
