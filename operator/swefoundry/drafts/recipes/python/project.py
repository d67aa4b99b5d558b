"""The source as the Python recipe sees it: manifests, configuration and layout, parsed once."""

import posixpath
from dataclasses import dataclass
from datetime import date

from packaging.utils import canonicalize_name

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.python import ci_installs, pyproject, requirement_files, setup_cfg, setup_py
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, merge_declared
from swefoundry.drafts.recipes.python.dependencies import requirements_in
from swefoundry.drafts.recipes.python.pytest_log import ProjectModules
from swefoundry.drafts.recipes.python.pytest_settings import PytestConfiguration, read_configuration


@dataclass(frozen=True)
class PythonProject:
    """Parsed facts of a Python source."""

    facts: Facts
    declared: DeclaredMetadata
    config: PytestConfiguration
    created: date | None
    version: str | None

    @classmethod
    def from_input(cls, strategy_input: StrategyInput) -> "PythonProject":
        """Parse the manifests in the facts."""
        texts = {file.path: file.text for file in strategy_input.facts.manifests}
        declared = merge_declared(
            (
                pyproject.declared(texts.get("pyproject.toml", "")),
                setup_cfg.declared(texts.get("setup.cfg", "")),
                setup_py.declared(texts["setup.py"]) if "setup.py" in texts else DeclaredMetadata(),
                requirement_files.declared(texts),
                ci_installs.declared(texts, [file.text for file in strategy_input.facts.ci]),
            )
        )
        created = strategy_input.created_at.date() if strategy_input.created_at else None
        return cls(strategy_input.facts, declared, read_configuration(texts), created, strategy_input.version)

    @property
    def runtime_names(self) -> set[str]:
        """Names of the distributions that the project requires."""
        return {canonicalize_name(requirement.name) for requirement in requirements_in(self.declared.runtime)}

    @property
    def import_folders(self) -> tuple[str, ...]:
        """Folders that make the source's packages importable: src, lib, or the root (the empty string)."""
        return tuple(
            dict.fromkeys(posixpath.dirname(folder.rstrip("/")) for folder in self.facts.package_dirs)
        )

    @property
    def modules(self) -> ProjectModules:
        """The modules of the source, for rules that read logs."""
        folders = {
            posixpath.basename(path.rstrip("/")): posixpath.dirname(path.rstrip("/"))
            for path in self.facts.package_dirs
        }
        for entry in self.facts.root_entries:
            folders.setdefault(entry.rstrip("/").removesuffix(".py"), "")
        for path in (*self.facts.test_files, *self.facts.test_support_files):
            _add_module(path, folders)
        own = canonicalize_name(self.declared.name) if self.declared.name else None
        parents = {posixpath.dirname(posixpath.dirname(path)) for path in self.facts.test_files}
        return ProjectModules(folders, own, frozenset(parents - {"", *self.facts.package_dirs}))


def _add_module(path: str, folders: dict[str, str]) -> None:
    """Add a module beside the tests (`helpers.py`): it is importable from the tests' folder."""
    if path.endswith(".py"):
        folders.setdefault(posixpath.basename(path).removesuffix(".py"), posixpath.dirname(path))
