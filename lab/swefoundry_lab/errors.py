"""What can go wrong in the lab, as one type: every message is a sentence for the person at the terminal."""


class LabError(Exception):
    """The lab cannot do what was asked. The message says what to do about it."""
