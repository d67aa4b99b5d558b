"""Command line: serve scripts, record one, check some."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web

from scripted_model.loading import ScriptError, load_scripts
from scripted_model.recording import Recorder, upstream_key
from scripted_model.rule_matching import ActiveScripts
from scripted_model.server import Server

GRACE_SECONDS = 2.0

app = typer.Typer(
    help="A fake model server: it implements the OpenAI API with answers from a script.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="File with the API key that requests have to send; absent: any key is accepted."),
]


@app.command()
def serve(
    script: Annotated[
        list[Path], typer.Option(help="A script, or a folder of scripts (*.yaml); may be repeated.")
    ],
    host: Host = "127.0.0.1",
    port: Port = 8080,
    key_file: KeyFile = None,
) -> None:
    """Answer requests as the scripts say. GET /_scripted/requests shows the requests."""
    scripts = ActiveScripts()
    for name, loaded in reversed(load_scripts(script).items()):
        scripts.put(name, loaded)
    server = Server(scripts, key=_read_key(key_file), log=_log)
    _log(f"scripts {', '.join(scripts.scripts) or 'none'}; models {', '.join(scripts.models) or 'any'}")
    _run(server.application(), host, port)


@app.command()
def record(
    upstream: Annotated[str, typer.Option(help="Base URL of the real endpoint, such as https://host/v1.")],
    out: Annotated[Path, typer.Option(help="The script to write; it is rewritten after each answer.")],
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with the key of the real endpoint. It is never written anywhere."),
    ] = None,
    loose: Annotated[
        bool,
        typer.Option(
            "--loose", help="Rules match by role and turn, in order, instead of by exactly the same request."
        ),
    ] = False,
    host: Host = "127.0.0.1",
    port: Port = 8080,
) -> None:
    """Forward requests to a real endpoint, which costs money, and write a script that gives the same answers."""
    recorder = Recorder(upstream.rstrip("/"), upstream_key(key_file), out, loose=loose, log=_log)
    _log(f"recording {upstream} to {out}")
    _run(recorder.application(), host, port)


@app.command()
def check(script: Annotated[list[Path], typer.Argument(help="Scripts, or folders of scripts.")]) -> None:
    """Check scripts."""
    for name, loaded in load_scripts(script).items():
        _log(f"{name}: {len(loaded.rules)} rules, models {', '.join(loaded.models) or 'any'}")


def main() -> None:
    """Run a command; an invalid script gives a sentence, not a stack trace."""
    try:
        app(prog_name="scripted-model")
    except (ScriptError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)


def _run(application: web.Application, host: str, port: int) -> None:
    web.run_app(
        application, host=host, port=port, print=_log, access_log=None, shutdown_timeout=GRACE_SECONDS
    )


def _read_key(path: Path | None) -> str | None:
    return path.read_text("utf-8").strip() if path else None


def _log(line: str) -> None:
    print(line, flush=True)
