"""Entry point of the agent pod: handle SIGTERM first, then import and run the program.

Importing takes seconds, and PID 1 is not ended by a signal that it does not handle: a pod that was told to end
meanwhile would go on asking until it is killed, in the middle of an answer that is paid for.
"""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run the agents; the exit code."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    from swefoundry.programs.agent.entrypoint import run_agent_program

    return run_agent_program()


def _exit_on_signal(number: int, _: FrameType | None) -> None:
    """Nothing was asked yet. Once there is something to lose, the model client handles the signal instead."""
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
