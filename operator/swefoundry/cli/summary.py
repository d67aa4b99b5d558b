"""What an import, a collection or a lint did, item by item: the good, the bad with their reasons, and remarks."""

from dataclasses import dataclass, field

from swefoundry.cli import console
from swefoundry.cli.exit_status import Exit
from swefoundry.text.plurals import counted


@dataclass(frozen=True)
class Bad:
    """An item that was refused."""

    place: str
    reason: str
    name: str = ""


@dataclass
class Outcome:
    """Filled while the command runs; bad items are told at once, because a long run may be watched."""

    good: list[str] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def refuse(self, place: str, reason: str, name: str = "") -> None:
        self.bad.append(Bad(place, reason, name))
        console.remark(f"{place}{f' ({name})' if name else ''}: {reason}", style="red")

    def note(self, sentence: str) -> None:
        self.remarks.append(sentence)
        console.remark(sentence, style="yellow")

    def show(self, what: str, output: console.Format, quiet: bool = False) -> Exit:
        """Print the summary; ``what`` is one good item, ``quiet`` when stdout carries manifests."""
        if output is console.Format.JSON and not quiet:
            console.print_json(
                {
                    "made": self.good,
                    "bad": [{"place": bad.place, "name": bad.name, "reason": bad.reason} for bad in self.bad],
                    "remarks": self.remarks,
                }
            )
        else:
            style = "yellow" if self.bad else "green"
            console.remark(f"{counted(len(self.good), what)}, {len(self.bad)} refused", style=style)
        return Exit.SOME_BAD if self.bad else Exit.OK
