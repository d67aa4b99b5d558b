"""The one error type of the lab: every message is a sentence for the person at the terminal."""


class LabError(Exception):
    """The lab cannot do what was asked. The message says what to do about it."""
