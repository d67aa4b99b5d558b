"""What failed rounds taught: facts about the environment that hold for every later draft."""

from dataclasses import dataclass, fields, replace
from typing import Any

from swefoundry.drafts.recipes.python.interpreters import PythonVersion


@dataclass(frozen=True)
class Constraints:
    """Everything learned so far; merging never forgets."""

    add: frozenset[str] = frozenset()
    """Requirements that were missing."""
    drop: frozenset[str] = frozenset()
    """Distributions that cannot be had or built and that tests may do without."""
    absent: frozenset[str] = frozenset()
    """Distributions that the index does not have, whoever asks for them."""
    loosen: frozenset[str] = frozenset()
    """Distributions whose version bounds led nowhere; `*` for all."""
    as_of_change: frozenset[str] = frozenset()
    """Distributions to resolve as of the change itself, because newer ones dropped a name that the source uses."""
    as_of_candidate: frozenset[str] = frozenset()
    """Distributions that do not build as of the change: these go with the rung's own day."""
    undated: frozenset[str] = frozenset()
    """Distributions that did not exist on the rung's day: these go undated."""
    build_requirements: frozenset[str] = frozenset()
    """Requirements of the project's own build."""
    apt: frozenset[str] = frozenset()
    below: PythonVersion | None = None
    """Only interpreters older than this."""
    at_least: PythonVersion | None = None
    pytest_below: int | None = None
    pytest_at_least: str | None = None
    no_addopts: bool = False
    no_config: bool = False
    no_warnings: bool = False
    """Warnings are no errors."""
    importlib: bool = False
    plain_unittest: bool = False
    """pytest cannot run these tests on any rung; the standard library's runner may."""
    django_settings: bool = False
    """Django's settings must be named."""
    cache: bool = False
    """A plugin wants pytest's cache."""
    features: bool = False
    """The tests may be about optional parts of the project: what its extras need is installed, too."""
    on_path: bool = False
    """The project cannot be installed: its folders go on PYTHONPATH."""
    python_path: frozenset[str] = frozenset()
    """Folders of the source to put on PYTHONPATH besides."""
    installer_resolves: bool = False
    """The project's own metadata knows requirements that its manifests do not show: let the installer resolve them."""
    rebuild: bool = False
    """Compiled parts are made again before the tests: the fix may be in their sources."""
    deselect: frozenset[str] = frozenset()
    """Tests that fail after the fix whatever the environment."""

    def merged(self, other: "Constraints") -> "Constraints":
        """Both; of two bounds the stricter."""
        joined: dict[str, Any] = {
            item.name: _join_values(getattr(self, item.name), getattr(other, item.name))
            for item in fields(self)
        }
        return replace(
            self,
            **joined
            | {
                "below": min(filter(None, (self.below, other.below)), default=None),
                "at_least": max(filter(None, (self.at_least, other.at_least)), default=None),
                "pytest_below": min(filter(None, (self.pytest_below, other.pytest_below)), default=None),
            },
        )

    def allows(self, python: PythonVersion) -> bool:
        """Whether an interpreter is still worth trying."""
        return (self.below is None or python < self.below) and (
            self.at_least is None or python >= self.at_least
        )


NO_CONSTRAINTS = Constraints()


def _join_values(mine: object, other: object) -> object:
    if isinstance(mine, frozenset) and isinstance(other, frozenset):
        return mine | other
    return other or mine
