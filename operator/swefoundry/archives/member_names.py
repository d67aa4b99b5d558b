"""Checks of the names and link targets in an archive. Pure."""

from swefoundry.archives.archive_limits import NAME_BYTES, PATH_BYTES, PATH_DEPTH

_SHOWN = 200


def path_parts(name: str) -> list[str]:
    """The parts of a name that count: empty ones and ``.`` do not."""
    return [part for part in name.split("/") if part not in ("", ".")]


def name_problem(name: str) -> str | None:
    """Why a name must not be used as a path below a folder; None when it may."""
    if name.startswith("/") or "\0" in name:
        return "has an absolute or impossible name"
    parts = path_parts(name)
    if ".." in parts:
        return "leads out of it"
    sizes = [_size(part) for part in parts]
    if None in sizes:
        return "has a name that no file system can store"
    if len(parts) > PATH_DEPTH or sum(size or 0 for size in sizes) + len(sizes) > PATH_BYTES:
        return f"has a name of more than {PATH_DEPTH} folders or {PATH_BYTES} bytes"
    if any((size or 0) > NAME_BYTES for size in sizes):
        return f"has a name with a part of more than {NAME_BYTES} bytes"
    return None


def target_problem(target: str) -> str | None:
    """Why a text cannot be the target of a symbolic link; None when it can."""
    size = _size(target)
    if not target or "\0" in target or size is None or size > PATH_BYTES:
        return (
            f"is a link without a target, or with one that no file system can store: {display_name(target)}"
        )
    return None


def display_name(name: str) -> str:
    """A name for messages: quoted, and not longer than a line."""
    return repr(name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…")


def _size(text: str) -> int | None:
    try:
        return len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return None
