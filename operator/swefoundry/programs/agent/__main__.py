"""``python -m swefoundry.programs.agent``: listen to SIGTERM first, then load and run the program.

Loading takes seconds, and PID 1 is not ended by a signal that it does not listen to: a pod that was told to end
meanwhile would go on asking until it is killed, in the middle of an answer that is paid for.
"""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Everything but the exit."""
    signal.signal(signal.SIGTERM, _end_at_once)
    from swefoundry.programs.agent.entrypoint import main as run

    return run()


def _end_at_once(number: int, _: FrameType | None) -> None:
    """Nothing was asked yet. Once there is something to lose, the speaker listens instead."""
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
