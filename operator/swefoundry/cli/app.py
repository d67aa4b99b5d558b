"""The commands of `swefoundry`, and how the program ends: the only place that turns errors into exit codes."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from swefoundry import errors
from swefoundry.api.labels import API_VERSION
from swefoundry.cli import (
    collect_command,
    export_command,
    import_command,
    lint_command,
    memory_command,
    memory_import,
    screen,
    status_command,
    transcript_command,
    why_command,
)
from swefoundry.cli.exits import Exit, exit_of

EPILOG = (
    "Exit codes: 0 good; 1 some items were refused or not everything is validated; 2 wrong usage; 3 no cluster; "
    "4 registry or package index unreachable; 5 refused by the cluster or registry; 6 not found."
)


class Ending(TyperGroup):
    """Ends the program with the exit code of the error that a command raised."""

    def invoke(self, ctx: Any) -> object:
        try:
            return super().invoke(ctx)
        except errors.SwefoundryError as error:
            screen.remark(f"Error: {error}", style="red")
            raise typer.Exit(exit_of(error)) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(Exit.INTERRUPTED) from error


app = typer.Typer(
    cls=Ending,
    help="Turn issue-fixing commits into validated benchmark instances, on Kubernetes.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
collect = typer.Typer(help="Find instances where fixes are published.", no_args_is_help=True)
memory = typer.Typer(help="Proven environments that the next commits reuse.", no_args_is_help=True)

app.command("lint")(lint_command.lint_)
app.command("import")(import_command.import_)
collect.command("releases")(collect_command.releases)
app.add_typer(collect, name="collect")
app.command("status")(status_command.status)
app.command("why")(why_command.why)
app.command("transcript")(transcript_command.transcript)
app.command("export")(export_command.export)
memory.command("list")(memory_command.list_)
memory.command("export")(memory_command.export_)
memory.command("import")(memory_import.import_)
app.add_typer(memory, name="memory")


@app.command("version")
def version_(output: screen.OutputOption = screen.Format.TABLE) -> None:
    """Print the version of this program and of the API it speaks."""
    if output is screen.Format.JSON:
        said = {"version": program_version(), "api": API_VERSION, "python": platform.python_version()}
        return screen.print_json(said)
    sys.stdout.write(f"swefoundry {program_version()} (API {API_VERSION})\n")
    return None


def program_version() -> str:
    try:
        return version("swefoundry")
    except PackageNotFoundError:
        return "unknown (not installed)"


def main() -> None:
    """The entry point of both names."""
    name = "kubectl swe" if Path(sys.argv[0]).name.startswith("kubectl") else "swefoundry"
    app(prog_name=name)
