"""Side effects of the model client that tests replace: waiting and printing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Sleep = Callable[[float], Awaitable[None]]
ReportProgress = Callable[[str], None]
"""Prints one line to the pod's log."""


@dataclass(frozen=True)
class Hooks:
    """How to wait and how to print."""

    sleep: Sleep = asyncio.sleep
    progress: ReportProgress = print


REAL_HOOKS = Hooks()
