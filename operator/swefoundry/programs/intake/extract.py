"""How is an archive unpacked so that it touches nothing but its own folder?

Links are made last: whatever is written before cannot be written through one. A name that leaves the
folder, a link that leads out of it, and anything that is neither file, folder nor link refuses the whole
archive.
"""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from swefoundry.programs.intake.archives import ArchiveMember, MemberKind, open_archive
from swefoundry.programs.intake.intake_errors import source_mismatch
from swefoundry.programs.intake.limits import UNPACKED_BYTES, UNPACKED_FILES

_PIECE = 1 << 16


@dataclass
class _Unpacking:
    """The state of one archive's unpacking."""

    root: Path
    strip: int
    limit: int
    skip_git: bool
    written: int = 0
    members: int = 0
    links: dict[Path, str] = field(default_factory=dict)


def unpack(archive: Path, root: Path, strip: int, limit: int = UNPACKED_BYTES) -> None:
    """Unpack a foreign archive; anything called .git in it is left out, because the clean tree gets its own."""
    root.mkdir(parents=True)
    state = _Unpacking(root, strip, limit, skip_git=True)
    _unpack(archive, state)
    for path in state.links:
        if not path.resolve().is_relative_to(root.resolve()):
            raise source_mismatch(
                f"the archive's link {path.relative_to(root)} -> {state.links[path]} leads out of it"
            )


def unpack_source(archive: Path, root: Path) -> None:
    """Unpack a clean tree of our own with its .git; links are as git had them and may point anywhere."""
    root.mkdir(parents=True)
    state = _Unpacking(root, 0, UNPACKED_BYTES, skip_git=False)
    _unpack(archive, state)
    if any(path.relative_to(root).parts[0] == ".git" for path in state.links):
        raise source_mismatch("the source artifact has links in its .git folder")


def _unpack(archive: Path, state: _Unpacking) -> None:
    with open_archive(archive, state.limit) as members:
        for member in members:
            state.members += 1
            if state.members > UNPACKED_FILES:
                raise source_mismatch(f"the archive has more than {UNPACKED_FILES} members")
            _place(member, state)
    for path, target in state.links.items():
        _make_link(path, target)


def _place(member: ArchiveMember, state: _Unpacking) -> None:
    path = _path(member.name, state)
    if path is None:
        return
    state.links.pop(path, None)  # of two members with one name the later one counts
    match member.kind:
        case MemberKind.FOLDER:
            _folder(path)
        case MemberKind.FILE:
            with member.open() as content:
                _write(path, content, member.executable, state)
        case MemberKind.LINK:
            state.links[path] = member.target
        case MemberKind.HARD_LINK:
            _copy(member, path, state)
        case MemberKind.OTHER:
            raise source_mismatch(f"the archive's {member.name!r} is a {MemberKind.OTHER.value}")


def _path(name: str, state: _Unpacking) -> Path | None:
    """Where a member goes; None for what is stripped or left out."""
    if name.startswith("/") or "\0" in name:
        raise source_mismatch(f"the archive's {name!r} has an absolute or impossible name")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise source_mismatch(f"the archive's {name!r} leads out of it")
    kept = parts[state.strip :]
    if not kept or (state.skip_git and any(part.lower() == ".git" for part in kept)):
        return None
    return state.root.joinpath(*kept)


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise source_mismatch(f"the archive has {path.name!r} as a file and as a folder") from error


def _write(path: Path, content: IO[bytes], executable: bool, state: _Unpacking) -> None:
    _folder(path.parent)
    if path.is_dir():
        raise source_mismatch(f"the archive has {path.name!r} as a file and as a folder")
    with path.open("wb") as handle:
        while piece := content.read(_PIECE):
            state.written += len(piece)
            if state.written > state.limit:
                raise source_mismatch(f"the archive unpacks to more than {state.limit >> 20} MiB")
            handle.write(piece)
    path.chmod(0o755 if executable else 0o644)


def _copy(member: ArchiveMember, path: Path, state: _Unpacking) -> None:
    original = _path(member.target, state)
    if original is None or not original.is_file():
        raise source_mismatch(f"the archive's {member.name!r} links to {member.target!r}, which is not in it")
    if original != path:
        with original.open("rb") as content:
            _write(path, content, os.access(original, os.X_OK), state)


def _make_link(path: Path, target: str) -> None:
    _folder(path.parent)
    if path.is_dir():
        raise source_mismatch(f"the archive has {path.name!r} as a link and as a folder")
    path.unlink(missing_ok=True)
    os.symlink(target, path)


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
