"""A page of sections, and how it is printed on a terminal, a pipe or a file."""

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from swefoundry.cli.console import strip_control_chars, table


@dataclass(frozen=True)
class PageSection:
    """A heading with lines, a table and log excerpts below it."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    logs: tuple[tuple[str, str], ...] = ()
    """Source and text of each log excerpt."""

    def to_json_dict(self) -> dict[str, object]:
        return {
            "title": self.title,
            "lines": self.lines,
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "logs": [{"from": source, "text": text} for source, text in self.logs],
        }


def print_section(section: PageSection, terminal: Console) -> None:
    print_heading(section.title, terminal)
    if section.rows:
        terminal.print(table(section.columns, section.rows))
    for line in section.lines:
        terminal.print(Text(strip_control_chars(line)))
    for source, text in section.logs:
        terminal.print(Text(f"\n{source}:", style="bold"))
        for line in strip_control_chars(text).splitlines():
            terminal.print(Text(f"  {line}"))


def print_heading(title: str, terminal: Console) -> None:
    terminal.print(Text(f"\n── {title}", style="bold cyan"))
