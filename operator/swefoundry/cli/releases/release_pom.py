"""The pom.xml of a release: where its project keeps sources and tests, and links to its repository."""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

BASE_FOLDER = ("${basedir}/", "${project.basedir}/", "./")


class ReleasePom:
    """A pom.xml; one that cannot be parsed has nothing."""

    def __init__(self, path: Path) -> None:
        self._root = _parse(path)

    def folder(self, name: str, default: str) -> str:
        """`sourceDirectory` or `testSourceDirectory` of the build; ``default`` where the pom names no plain path."""
        stated = self._text(f"{{*}}build/{{*}}{name}").replace("\\", "/")
        for start in BASE_FOLDER:
            stated = stated.removeprefix(start)
        plain = stated and "$" not in stated and ".." not in stated and not stated.startswith("/")
        return stated.strip("/") if plain else default

    @property
    def links(self) -> list[tuple[str, str]]:
        """Labels and links, as far as there are any."""
        paths = (("source", "{*}scm/{*}url"), ("source", "{*}scm/{*}connection"), ("home", "{*}url"))
        return [(label, url) for label, path in paths if (url := self._text(path))]

    def _text(self, path: str) -> str:
        return (self._root.findtext(path) or "").strip()


def _parse(path: Path) -> Element:
    try:
        root: Element = fromstring(path.read_bytes())
    except (OSError, ParseError, DefusedXmlException, ValueError):
        return Element("project")
    return root
