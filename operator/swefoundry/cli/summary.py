"""Result of a command that works item by item: accepted items, rejected items with reasons, and notes.

Rejections are printed at once, for people who watch a long run. Notes about items are often the same for all of them:
they are printed at the end, once each, with the number of items.
"""

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
    """Filled while the command runs."""

    verbose: bool = False
    """Whether each note about an item is printed, at once."""
    succeeded: list[str] = field(default_factory=list)
    rejected: list[RejectedItem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _places: dict[str, list[str]] = field(default_factory=dict)
    """By the text of a note, the items that it is about."""

    def reject(self, place: str, reason: str, name: str = "") -> None:
        self.rejected.append(RejectedItem(place, reason, name))
        console.print_note(f"{place}{f' ({name})' if name else ''}: {reason}", style="red")

    def add_note(self, note: str) -> None:
        self.notes.append(note)
        console.print_note(note, style="yellow")

    def add_item_note(self, place: str, note: str) -> None:
        """Note about one item."""
        if self.verbose:
            return self.add_note(f"{place}: {note}")
        self.notes.append(f"{place}: {note}")
        self._places.setdefault(note, []).append(place)
        return None

    def _print_item_notes(self, what: str) -> None:
        for note, (first, *others) in self._places.items():
            example = f"{pluralize(len(others) + 1, what)}, such as {first}" if others else first
            console.print_note(f"{example}: {note}", style="yellow")

    def print_summary(self, what: str, output: console.OutputFormat, quiet: bool = False) -> ExitStatus:
        """Print the totals and return the exit code.

        ``what`` is the noun for one item; ``quiet`` keeps JSON off stdout when stdout carries manifests.
        """
        self._print_item_notes(what)
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
