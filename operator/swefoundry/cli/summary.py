"""What an import, a collection or a lint did, item by item: the good, the bad with their reasons, and remarks."""

from dataclasses import dataclass, field

from swefoundry.cli import console
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.text.plurals import pluralize


@dataclass(frozen=True)
class RejectedItem:
    """An item that was refused."""

    place: str
    reason: str
    name: str = ""


@dataclass
class RunSummary:
    """Filled while the command runs; bad items are told at once, because a long run may be watched."""

    succeeded: list[str] = field(default_factory=list)
    rejected: list[RejectedItem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: str, name: str = "") -> None:
        self.rejected.append(RejectedItem(place, reason, name))
        console.print_note(f"{place}{f' ({name})' if name else ''}: {reason}", style="red")

    def add_note(self, sentence: str) -> None:
        self.notes.append(sentence)
        console.print_note(sentence, style="yellow")

    def print_summary(self, what: str, output: console.OutputFormat, quiet: bool = False) -> ExitStatus:
        """Print the summary; ``what`` is one good item, ``quiet`` when stdout carries manifests."""
        if output is console.OutputFormat.JSON and not quiet:
            console.print_json(
                {
                    "made": self.succeeded,
                    "bad": [
                        {"place": bad.place, "name": bad.name, "reason": bad.reason} for bad in self.rejected
                    ],
                    "remarks": self.notes,
                }
            )
        else:
            style = "yellow" if self.rejected else "green"
            console.print_note(
                f"{pluralize(len(self.succeeded), what)}, {len(self.rejected)} refused", style=style
            )
        return ExitStatus.SOME_BAD if self.rejected else ExitStatus.OK
