"""Progress for the person at the terminal: one line per step, with its time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Progress = Callable[[str], None]
"""Takes one short line about what a long step is doing now."""


class Steps:
    """Prints each step when it ends; on a terminal also a spinner while it runs."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        """Time a step and show what it reports. A step that fails is named before its error is."""
        started_at = time.monotonic()
        try:
            with self.console.status(title) as spinner:
                yield lambda line: self._report(title, line, spinner.update)
        except BaseException:
            self.console.print(f"[red]✗[/] {title}  [dim]{_seconds(started_at)}[/]")
            raise
        self.console.print(f"[green]✓[/] {title:<44} [dim]{_seconds(started_at)}[/]")

    def in_background(self, title: str, work: Callable[[Progress], None]) -> "BackgroundStep":
        """Do something long while other steps go on; what it reports is printed as it comes."""
        return BackgroundStep(work, lambda line: self.console.print(f"  {title}: {line}", highlight=False))

    def _report(self, title: str, line: str, update: Callable[[str], None]) -> None:
        if self.console.is_terminal:
            update(f"{title}: {line}")
        else:
            self.console.print(f"  {line}", highlight=False)

    def total(self) -> str:
        """How long everything took so far."""
        return _seconds(self.started).strip()


class BackgroundStep:
    """A piece of work in a thread of its own, which does not keep the program from ending."""

    def __init__(self, work: Callable[[Progress], None], progress: Progress) -> None:
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work, progress), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Progress], None], progress: Progress) -> None:
        try:
            work(progress)
        except BaseException as failure:  # noqa: BLE001 - raised again where it is waited for
            self._failure = failure

    def wait(self) -> None:
        """Wait for the end, and fail as the work did."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure


def _seconds(since: float) -> str:
    return f"{time.monotonic() - since:6.1f} s"


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Ask again and again; False when the time is over."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(pause)
    return True
