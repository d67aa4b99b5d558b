"""Metadata of a source archive: its repository, and the changelog entries since the previous release."""

import difflib
import json
import re
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from swefoundry.cli.releases.release_pom import ReleasePom

FORGE_URL = re.compile(
    r"https?://[^/\s]*(?:github|gitlab|bitbucket|codeberg)[^/\s]*/"
    r"(?P<owner>[A-Za-z0-9_.-]+)/(?P<name>[A-Za-z0-9_.-]+)"
)
NPM_LINKS = (
    re.compile(r"^(?:\w+:)?(?P<owner>[A-Za-z0-9-]+)/(?P<name>[A-Za-z0-9_.-]+)$"),
    re.compile(
        r"\b(?:github|gitlab|bitbucket|codeberg)\.[a-z]+[/:](?P<owner>[A-Za-z0-9_.-]+)/(?P<name>[A-Za-z0-9_.-]+)"
    ),
)
"""How package.json names a repository: `octo/calc`, `git+ssh://git@github.com/octo/calc.git`."""
CODE_LINK_LABELS = ("source", "code", "repo", "git", "home")
"""Words in the labels of project URLs that link to the code, best first."""
CRATE_LINK = re.compile(r"(?P<label>repository|homepage)\s*=\s*[\"'](?P<url>[^\"']+)")
NOT_OWNERS = ("sponsors", "orgs", "users", "about")

CHANGELOG_NAME = re.compile(
    r"(?:change|history|news|release|whatsnew)[^/]*(?:\.(?:rst|md|txt|adoc))?", re.IGNORECASE
)
CHANGELOG_LIMIT = 16_000
"""Characters of a changelog that a problem statement may have."""


def repository_name(root: Path, short_name: str) -> str:
    """owner/name from the archive's metadata; ``releases/<short name>`` when it names no repository."""
    if (root / "package.json").is_file():
        return _npm_repository(root / "package.json") or f"releases/{short_name}"
    path = root / "PKG-INFO"
    headers = HeaderParser().parsestr(path.read_text("utf-8", "replace") if path.is_file() else "")
    links: list[tuple[int, str]] = []
    for label, url in [
        *_project_links(headers),
        *_crate_links(_lines(root / "Cargo.toml")),
        *ReleasePom(root / "pom.xml").links,
    ]:
        rank = next(
            (at for at, word in enumerate(CODE_LINK_LABELS) if word in label.lower()), len(CODE_LINK_LABELS)
        )
        match = FORGE_URL.search(url)
        if match and match["owner"] not in NOT_OWNERS:
            links.append((rank, f"{match['owner']}/{match['name'].removesuffix('.git')}"))
    return min(links, key=lambda link: link[0])[1] if links else f"releases/{short_name}"


def _npm_repository(manifest: Path) -> str | None:
    """owner/name in the field `repository` of a package.json, which is a link or an object with one."""
    try:
        fields = json.loads(manifest.read_text("utf-8", "replace"))
    except ValueError:
        return None
    found = fields.get("repository") if isinstance(fields, dict) else None
    link = str(found.get("url", "")) if isinstance(found, dict) else str(found or "")
    match = next(filter(None, (form.search(link) for form in NPM_LINKS)), None)
    return f"{match['owner']}/{match['name'].removesuffix('.git')}" if match else None


def _project_links(headers: Message) -> list[tuple[str, str]]:
    project = [str(line).partition(",") for line in headers.get_all("Project-URL", [])]
    homes = [
        ("home", str(url)) for name in ("Home-page", "Download-URL") for url in headers.get_all(name, [])
    ]
    return [(label, url) for label, _, url in project] + homes


def _crate_links(manifest: list[str]) -> list[tuple[str, str]]:
    lines = (CRATE_LINK.match(line) for line in manifest)
    return [(match["label"], match["url"]) for match in lines if match is not None]


def problem_statement(package: str, version: str, old: Path, new: Path) -> str:
    """Text of the maintainers about the release: the lines that were added to its changelog."""
    title = f"{package} {version}\n\n"
    for path in sorted(_changelogs(new)):
        before = old / path.relative_to(new)
        added = _added_lines(_lines(before), _lines(path))
        if added.strip():
            return title + added.strip()[:CHANGELOG_LIMIT] + "\n"
    return title + "The behaviour of this release differs from the previous one; its tests show how.\n"


def _changelogs(root: Path) -> list[Path]:
    folders = [root, root / "docs", root / "doc"]
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if CHANGELOG_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]


def _lines(path: Path) -> list[str]:
    if not path.is_file() or path.is_symlink():
        return []
    return path.read_text("utf-8", "replace").splitlines()


def _added_lines(before: list[str], after: list[str]) -> str:
    # Changelogs grow in one place, so a line-by-line comparison is enough, and fast for long ones.
    difference = difflib.unified_diff(before, after, lineterm="", n=0)
    return "\n".join(line[1:] for line in difference if line.startswith("+") and not line.startswith("+++"))
