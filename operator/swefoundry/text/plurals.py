"""How is a number of things said, and which of them is meant?"""


def pluralize(number: int, noun: str) -> str:
    """``1 draft``, ``2 drafts``; nouns whose plural takes more than an s are not asked for."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ordinal(number: int) -> int:
    """How people count what a status numbers from 0: the round that is tried first is round 1 everywhere they read."""
    return number + 1
