"""The command line: `swefoundry`, and the same program as the kubectl plug-in `kubectl swe`."""
