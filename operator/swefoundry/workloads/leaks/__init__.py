"""The leaks pod: looks for the solution of an instance in the layers of its task image."""
