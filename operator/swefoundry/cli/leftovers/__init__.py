"""What instances leave in the cluster and the registry: ``cluster`` and ``registry`` decide, ``listing`` reads."""
