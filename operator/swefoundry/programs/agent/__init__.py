"""Program of agent pods: four roles write a draft. It uses model endpoints and the registry, never Kubernetes."""
