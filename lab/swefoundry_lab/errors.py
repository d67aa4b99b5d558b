"""The error type of the lab. Messages are complete sentences, printed for the user without a traceback."""


class LabError(Exception):
    """A command failed; the message names the cause and the fix."""
