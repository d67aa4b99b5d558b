"""Run the real runner as PID 1, with the capabilities that an evaluation pod gives it."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swefoundry.contracts.evaluation import EvaluationSpec
from swefoundry.workloads.evaluation.log_frames import SplitLog, split_log

NONCE = "4f1d2c3b4a5968778695a4b3c2d1e0ff"
CAPABILITIES = "-all,+chown,+dac_override,+fowner,+setuid,+setgid,+kill"
AS_POD = ("setpriv", f"--bounding-set={CAPABILITIES}", "--inh-caps=-all", "--no-new-privs")
AS_INIT = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@dataclass(frozen=True)
class RunnerExit:
    """What is left of one run."""

    code: int
    message: str
    """The termination message."""
    log: bytes

    @property
    def record(self) -> dict[str, Any]:
        return json.loads(self.message)

    @property
    def framed_output(self) -> SplitLog:
        return split_log(self.log, NONCE)

    @property
    def output(self) -> bytes:
        return self.framed_output.output


@dataclass(frozen=True)
class Box:
    """A working directory and a termination log, and the runner to use them."""

    binary: Path
    folder: Path

    @property
    def workdir(self) -> Path:
        return self.folder / "testbed"

    @property
    def termination_log(self) -> Path:
        return self.folder / "termination-log"

    def write_spec(self, command: str, **fields: Any) -> str:
        spec = EvaluationSpec(
            **{
                "nonce": NONCE,
                "stage": "before",
                "command": command,
                "workdir": str(self.workdir),
                "timeout_seconds": 300,
                **fields,
            }
        )
        return json.dumps(spec.to_json_dict() | {"terminationLog": str(self.termination_log)})

    def start(
        self,
        spec: str,
        init: bool = True,
        around: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        **popen: Any,
    ) -> subprocess.Popen[bytes]:
        self.workdir.mkdir(exist_ok=True)
        self.termination_log.touch(mode=0o666)
        self.termination_log.chmod(0o666)
        user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        namespaces = (*AS_INIT[:1], *user, *AS_INIT[1:]) if init else ()
        return subprocess.Popen(
            [*around, *namespaces, *AS_POD, str(self.binary)],
            env={**os.environ, "SWEFOUNDRY_RUN": spec, **(env or {})},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **popen},
        )

    def run(self, command: str, around: Sequence[str] = (), init: bool = True, **fields: Any) -> RunnerExit:
        return self.finish(self.start(self.write_spec(command, **fields), init=init, around=around))

    def finish(self, process: subprocess.Popen[bytes]) -> RunnerExit:
        log, _ = process.communicate(timeout=400)
        return RunnerExit(process.returncode, self.termination_log.read_text(errors="replace"), log)


def pid_inside(process: subprocess.Popen[bytes]) -> int:
    """The runner's process id as seen from here: the only child of unshare."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (found := children.read_text().split()):
        assert process.poll() is None, "the runner has ended"
    return int(found[0])
