"""A release pair of a real package with the verdict that it is expected to get."""

from dataclasses import dataclass

from swefoundry.cli.releases.pairs import parse_pair
from swefoundry.grading.verdict import Verdict


@dataclass(frozen=True)
class RealPair:
    """Two releases and the expected verdict of their row."""

    package: str
    old: str
    new: str
    verdict: Verdict
    why: str
    rounds: int = 5
    """Upper bound of the rounds; a row that fails in every environment uses all of them."""
    quick: bool = False
    """Runs with the cluster tests: few small dependencies, a test run of seconds, and a verdict of its own kind."""

    language: str = "python"

    def __str__(self) -> str:
        """The form that `swefoundry collect releases` accepts."""
        if self.language == "python":
            return f"{self.package}:{self.old}..{self.new}"
        index = {"go": "go", "java": "maven", "javascript": "npm", "rust": "crate"}[self.language]
        return f"{index}:{self.package}@{self.old}..{self.new}"

    @property
    def name(self) -> str:
        """The package's name, in manifests."""
        return parse_pair(str(self)).short_name
