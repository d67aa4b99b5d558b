"""Commands of `swefoundry`, and the only place that turns errors into exit codes."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from swefoundry import errors
from swefoundry.api.labels import API_VERSION
from swefoundry.cli import console
from swefoundry.cli.commands import collect as collect_command
from swefoundry.cli.commands import (
    collect_garbage,
    doctor,
    export,
    import_dataset,
    lint,
    memory_import,
    open_shell,
    retry_instances,
    show_logs,
    show_transcript,
    status,
    why,
)
from swefoundry.cli.commands import debug as debug_command
from swefoundry.cli.commands import memory as memory_command
from swefoundry.cli.exit_status import ExitStatus, exit_status_for

EPILOG = (
    "Exit codes: 0 success; 1 some items were rejected or not everything is validated; 2 wrong usage; 3 no cluster; "
    "4 registry or package index unreachable; 5 refused by the cluster or registry; 6 not found."
)


class ExitStatusGroup(TyperGroup):
    """Command group that exits with the code of the error that a command raised."""

    def invoke(self, ctx: Any) -> object:
        try:
            return super().invoke(ctx)
        except errors.SwefoundryError as error:
            console.print_note(f"Error: {error}", style="red")
            raise typer.Exit(exit_status_for(error)) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(ExitStatus.INTERRUPTED) from error


app = typer.Typer(
    cls=ExitStatusGroup,
    help="Turn issue-fixing commits into validated benchmark instances, on Kubernetes.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
collect = typer.Typer(help="Collect instances from published fixes.", no_args_is_help=True)
debug = typer.Typer(help="Inspect the running operator.", no_args_is_help=True)
memory = typer.Typer(
    help="List, export and import proven environments, which later commits reuse.", no_args_is_help=True
)

app.command("lint")(lint.lint_manifests)
app.command("import")(import_dataset.import_rows)
collect.command("releases")(collect_command.releases)
app.add_typer(collect, name="collect")
app.command("status")(status.status)
app.command("why")(why.why)
app.command("doctor")(doctor.doctor)
app.command("logs")(show_logs.logs)
app.command("open")(open_shell.open_instance)
app.command("retry")(retry_instances.retry)
app.command("gc")(collect_garbage.gc)
app.command("transcript")(show_transcript.transcript)
app.command("export")(export.export)
memory.command("list")(memory_command.list_memory)
memory.command("export")(memory_command.export_memory)
memory.command("import")(memory_import.import_memory)
app.add_typer(memory, name="memory")
debug.command("dump")(debug_command.dump)
app.add_typer(debug, name="debug")


@app.command("version")
def print_version(output: console.OutputOption = console.OutputFormat.TABLE) -> None:
    """Print the version of this program and of its API."""
    if output is console.OutputFormat.JSON:
        versions = {"version": program_version(), "api": API_VERSION, "python": platform.python_version()}
        return console.print_json(versions)
    sys.stdout.write(f"swefoundry {program_version()} (API {API_VERSION})\n")
    return None


def program_version() -> str:
    """Version of the installed package."""
    try:
        return version("swefoundry")
    except PackageNotFoundError:
        return "unknown (not installed)"


def main() -> None:
    """Entry point of `swefoundry` and of the kubectl plug-in."""
    name = "kubectl swe" if Path(sys.argv[0]).name.startswith("kubectl") else "swefoundry"
    app(prog_name=name)
