"""Numbers as people read them."""


def pluralize(number: int, noun: str) -> str:
    """Return ``1 draft``, ``2 drafts``; for nouns whose plural only adds an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ordinal(number: int) -> int:
    """Return the number from 1 of what a status numbers from 0."""
    return number + 1
