"""Entry point of the agent pod: handle SIGTERM first, then import and run the program.

The imports take seconds, and PID 1 ignores signals without a handler: a pod that is deleted meanwhile would start to
ask models and be killed in the middle of a response that is paid for.
"""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run the program and return its exit code."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    from swefoundry.programs.agent.entrypoint import run_agent_program

    return run_agent_program()


def _exit_on_signal(number: int, _: FrameType | None) -> None:
    """Exit at once: no model was asked yet. Later the model client replaces this handler."""
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
