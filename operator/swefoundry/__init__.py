"""swefoundry: validated software-engineering benchmark instances, made on Kubernetes."""

__version__ = "0.1.0"
