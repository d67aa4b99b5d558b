"""How is a number of things said?"""


def counted(number: int, noun: str) -> str:
    """``1 draft``, ``2 drafts``; nouns whose plural takes more than an s are not asked for."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
