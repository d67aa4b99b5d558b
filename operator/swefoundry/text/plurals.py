"""Numbers as people read them."""


def pluralize(number: int, noun: str) -> str:
    """Return ``1 draft``, ``2 drafts``; for nouns whose plural only adds an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def with_suffix(number: int) -> str:
    """Return ``1st``, ``2nd``, ``12th``."""
    last = 0 if 10 <= number % 100 <= 20 else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def ordinal(number: int) -> int:
    """Return the number from 1 of what a status numbers from 0."""
    return number + 1
