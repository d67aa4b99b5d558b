"""Progress output: one line per step, with its duration."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console

Progress = Callable[[str], None]
"""Prints one short line about the progress of a long step."""


class Steps:
    """Prints each step when it ends, and a spinner while it runs if the output is a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()

    @classmethod
    def quiet(cls) -> Self:
        """Steps that print nothing."""
        return cls(Console(quiet=True))

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        """Run the block as a step: measure its time, show its progress, and print its title before an error."""
        started_at = time.monotonic()
        try:
            with self.console.status(title) as spinner:
                yield lambda line: self._report(title, line, spinner.update)
        except BaseException:
            self.console.print(f"[red]✗[/] {title}  [dim]{_seconds(started_at)}[/]")
            raise
        self.console.print(f"[green]✓[/] {title:<44} [dim]{_seconds(started_at)}[/]")

    def in_background(self, title: str, work: Callable[[Progress], None]) -> "BackgroundStep":
        """Start work in a thread while other steps run; its progress is printed at once."""
        return BackgroundStep(work, lambda line: self.console.print(f"  {title}: {line}", highlight=False))

    def _report(self, title: str, line: str, update: Callable[[str], None]) -> None:
        if self.console.is_terminal:
            update(f"{title}: {line}")
        else:
            self.console.print(f"  {line}", highlight=False)

    def total(self) -> str:
        """Time since the first step."""
        return _seconds(self.started).strip()


class BackgroundStep:
    """Work in a daemon thread, which does not keep the program from ending."""

    def __init__(self, work: Callable[[Progress], None], progress: Progress) -> None:
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work, progress), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Progress], None], progress: Progress) -> None:
        try:
            work(progress)
        except BaseException as failure:  # noqa: BLE001 - raised again in wait()
            self._failure = failure

    def wait(self) -> None:
        """Wait until the work has ended; raise its error."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure


def _seconds(since: float) -> str:
    return f"{time.monotonic() - since:6.1f} s"


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Poll until the condition is true; return False after a time-out."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
