"""A Kubernetes cluster on this machine, started and stopped by one program."""
