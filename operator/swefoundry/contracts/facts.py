"""Facts that intake collects from a source tree; the input of recipes and agents."""

from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel


class FileFact(WireModel):
    """A small file that describes the environment, with its text (cut to 64 KiB)."""

    path: str
    sha256: str
    text: str
    """Decoded as UTF-8, UTF-16 or Latin-1, without a byte order mark; cut to 64 KiB."""
    truncated: bool = False


class Facts(WireModel):
    """facts.json: everything a strategy may know about a source without running it."""

    languages: dict[str, int] = {}
    """Files per language, most first."""
    manifests: list[FileFact] = []
    """pyproject.toml, setup.py, setup.cfg, requirements*.txt, tox.ini, Pipfile, package.json, go.mod, pom.xml, …"""
    further_manifests: list[FileFact] = []
    """Manifests of Python projects and npm packages in deeper folders (monorepos), and files that manifests include
    with `-r` and `-c`; together at most 512 KiB.
    """
    fixed_manifests: list[FileFact] | None = None
    """Manifests of npm, cargo, Go and Maven as the gold patch leaves them, where it changes them: recipes read what
    it adds. Agents never see them.
    """
    ci: list[FileFact] = []
    """CI workflows and the like: read, never run."""
    readme_hints: list[str] = []
    """Lines of README and CONTRIBUTING that mention tests."""
    test_files: list[str] = []
    """Files that the test patch adds or changes and that look like tests; paths relative to the root."""
    new_test_files: list[str] = []
    """Those of ``test_files`` that do not exist without the test patch."""
    new_test_heads: list[FileFact] | None = None
    """First lines of some of ``new_test_files``, in ``text``."""
    test_support_files: list[str] = []
    """Other files of the test patch: fixtures, data, conftest.py."""
    deleted_test_files: list[str] = []
    root_entries: list[str] = []
    """Names in the root folder; folders end with a slash."""
    package_dirs: list[str] = []
    """Folders with an __init__.py at the root, under src/ or lib/."""
    python_modules: list[str] = []
    """Top-level Python packages (folders) and modules (`backend/app.py`) at any depth; packages and those near the
    root first.
    """
    commit: str | None = None
    """Of a git source the requested commit; of any other the clean tree's one commit, HEAD of /testbed."""
    version_tag: str | None = None
    """Nearest tag re-created on the clean tree's one commit."""
    fingerprint: str = ""
    """sha256 over manifests and lockfiles: sources with the same fingerprint need the same environment."""
    test_imports: list[str] = []
    """Top-level module names imported by ``test_files`` as they are after the test patch and by the conftest.py files
    beside and above them; sorted, own modules and the standard library may be among them (ast, else a regex: old
    sources may be Python 2)."""
    test_parameters: list[str] = []
    """Parameter names of the ``test_*`` functions in the same files, sorted: `mocker` says that pytest-mock
    is needed.
    """
    test_markers: list[str] = []
    """Names after ``pytest.mark.`` in the same files, sorted: `asyncio` says that pytest-asyncio is needed."""

    root_sensitive_tests: list[str] = []
    """Where the same files, and other Python files of the test patch, ask for their user or for permissions, which mean
    nothing to root: `path::test`, or the path when that is outside of a test function; sorted.
    """

    def test_files_in(self, stage: Stage) -> list[str]:
        """Test files that a stage runs: `base` has no new ones. When all are new, the list is the same everywhere."""
        old = [path for path in self.test_files if path not in self.new_test_files]
        return old if stage is Stage.BASE and old else self.test_files
