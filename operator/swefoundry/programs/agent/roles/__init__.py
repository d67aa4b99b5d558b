"""The four roles: the prompt of each, and the checks that its answer has to pass."""
