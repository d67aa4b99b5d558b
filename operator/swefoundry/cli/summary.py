"""Result of a command that works item by item: accepted items, rejected items with reasons, and notes."""

from dataclasses import dataclass, field

from swefoundry.cli import console
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.text.plurals import pluralize


@dataclass(frozen=True)
class RejectedItem:
    """An item that was rejected."""

    place: str
    reason: str
    name: str = ""


@dataclass
class RunSummary:
    """Filled while the command runs; rejections and notes are printed at once, for people who watch a long run."""

    succeeded: list[str] = field(default_factory=list)
    rejected: list[RejectedItem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: str, name: str = "") -> None:
        self.rejected.append(RejectedItem(place, reason, name))
        console.print_note(f"{place}{f' ({name})' if name else ''}: {reason}", style="red")

    def add_note(self, note: str) -> None:
        self.notes.append(note)
        console.print_note(note, style="yellow")

    def print_summary(self, what: str, output: console.OutputFormat, quiet: bool = False) -> ExitStatus:
        """Print the totals and return the exit code.

        ``what`` is the noun for one item; ``quiet`` keeps JSON off stdout when stdout carries manifests.
        """
        if output is console.OutputFormat.JSON and not quiet:
            console.print_json(self.to_json_dict())
        else:
            style = "yellow" if self.rejected else "green"
            console.print_note(
                f"{pluralize(len(self.succeeded), what)}, {len(self.rejected)} rejected", style=style
            )
        return ExitStatus.SOME_REJECTED if self.rejected else ExitStatus.OK

    def to_json_dict(self) -> dict[str, object]:
        return {
            "made": self.succeeded,
            "bad": [
                {"place": item.place, "name": item.name, "reason": item.reason} for item in self.rejected
            ],
            "remarks": self.notes,
        }
