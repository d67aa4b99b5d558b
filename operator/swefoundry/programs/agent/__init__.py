"""What runs in agent pods: four roles that write drafts. Knows drafts, models and the registry; knows no Kubernetes."""
