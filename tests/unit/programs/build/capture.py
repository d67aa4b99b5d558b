"""Makes the captured logs beside it anew, with the real buildah of the builder image.

Run it in a container of the builder image (or any root with that buildah) that reaches a plain-HTTP registry holding
library/busybox:stable:

    cd tests/unit/building
    PYTHONPATH=../../../operator python3 capture.py 127.0.0.1:5000 /var/lib/containers captured

Every file begins with the exit code; what follows is the output, unchanged but for the resolver's address.
"""

import asyncio
import re
import sys
from pathlib import Path

from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.programs.build import buildah
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.processes import ProcessCommand, run_process
from swefoundry.programs.build.run import container_limits, write_configuration
from swefoundry.programs.build.step_environment import with_step_args

NOWHERE = "127.0.0.1:1"
FROM = "FROM busybox:stable\n"
SLOW = FROM + "RUN echo patience; sleep 60\n"
BIG = FROM + "RUN dd if=/dev/urandom of=/big bs=1M count=4\n"
ZERO_DIGEST = "sha256:" + "0" * 64

BUILDS = {
    "good": FROM + "COPY . /testbed\nRUN ls -la /testbed\n",
    "run-exit-3": FROM + 'COPY . /testbed\nRUN echo working; echo "boom on stderr" >&2; exit 3\n',
    "run-exit-125": FROM + "RUN exit 125\n",
    "run-exit-127": FROM + "RUN nosuchcommand --flag\n",
    "run-exit-137": FROM + 'RUN echo "Killed"; exit 137\n',
    "run-killed": FROM + "RUN echo before; kill -9 $$\n",
    "run-segfault": FROM + "RUN kill -11 $$\n",
    "run-exec-form-missing": FROM + 'RUN ["/nosuch", "x"]\n',
    "run-heredoc": FROM + 'RUN <<EOF\nset -e\necho one\nfalse\necho "two"\nEOF\n',
    "run-continued": FROM + 'RUN echo a \\\n && echo "quoted: \\\\ x": \\\n && exit 4\n',
    "run-forged-words": FROM
    + 'RUN echo "Error: no FROM statement found"; echo "STEP 9/9: COPY a b"; exit 7\n',
    "run-multi-stage": FROM
    + "RUN echo one\nFROM busybox:stable\nCOPY --from=0 /bin/busybox /bb\nRUN exit 6\n",
    "copy-missing": FROM + "COPY missing.txt /x\n",
    "copy-outside": FROM + "COPY ../../etc/passwd /x\n",
    "copy-no-arguments": FROM + "COPY\n",
    "copy-bad-flag": FROM + "COPY --nosuch=1 . /x\n",
    "copy-from-missing": FROM + "COPY --from=nosuchstage /a /b\n",
    "unknown-instruction": FROM + "RUNN echo\n",
    "no-from": "RUN echo\n",
    "empty": "# nothing\n",
    "from-empty": "FROM\n",
    "from-unset": "ARG BASE\nFROM $BASE\nRUN echo\n",
    "from-upper-case": "FROM Busybox:Stable\nRUN echo\n",
    "from-malformed": "FROM busybox:st@ble!\nRUN echo\n",
    "env-malformed": FROM + "ENV A\n",
    "heredoc-open": FROM + "RUN <<EOF\necho never ends\n",
    "mount-unknown": FROM + "RUN --mount=type=nosuch echo\n",
    "user-missing": FROM + "USER nobodyknows\nRUN echo\n",
    "base-tag-missing": "FROM busybox:nosuchtag\nRUN echo\n",
    "base-repository-missing": "FROM nosuch/repo:1\nRUN echo\n",
    "base-digest-missing": f"FROM busybox@{ZERO_DIGEST}\nRUN echo\n",
    "base-registry-down": f"FROM {NOWHERE}/x:1\nRUN echo\n",
    "base-host-unknown": "FROM nosuch.invalid/x:1\nRUN echo\n",
}


class CaptureRig:
    """One registry and one workplace for all captures."""

    def __init__(self, registry: str, root: Path) -> None:
        self._place = RegistryLocation(registry=registry, insecure=True, repository="captures/one")
        self._mirrors = {"docker.io": registry, NOWHERE: NOWHERE}
        self._at = buildah.BuildDirs(root)
        for folder in (self._at.context, self._at.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        (self._at.context / "a.txt").write_text("hello\n")

    async def build(self, dockerfile: str, **changes: object) -> tuple[int, bytes]:
        """Output and exit code of one build."""
        spec = BuildSpec(
            nonce="n",
            place=self._place,
            source=ZERO_DIGEST,
            draft=Draft(dockerfile=dockerfile, test_command="true"),
            tag="one",
            time_limit_seconds=60,
            mirrors=self._mirrors,
        ).model_copy(update=changes)
        write_configuration(spec, self._at)
        settings = {"SOURCE_DATE_EPOCH": "315532800"}
        self._at.dockerfile.write_text(with_step_args(dockerfile, settings))
        command = buildah.build_command(spec, self._at, settings, container_limits())
        return await self._run(command, spec.time_limit_seconds)

    async def push(self, registry: str, repository: str) -> tuple[int, bytes]:
        """Output and exit code of pushing the image built last."""
        place = RegistryLocation(registry=registry, insecure=True, repository=repository)
        spec = BuildSpec.model_construct(place=place, tag="one")
        return await self._run(
            buildah.push_command(spec, self._at, self._at.image_id.read_text().strip()), 60
        )

    async def _run(self, argv: list[str], seconds: float) -> tuple[int, bytes]:
        log = BuildLog()
        environment = buildah.buildah_environment(
            {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}, self._at, {}
        )
        ended = await run_process(ProcessCommand(argv, environment), log, seconds)
        return ended.code, re.sub(rb" on [\d.]+:53:", b" on 10.96.0.10:53:", log.content())


async def main(registry: str, root: Path, target: Path) -> None:
    bench = CaptureRig(registry, root)

    def keep(name: str, result: tuple[int, bytes]) -> None:
        (target / f"{name}.log").write_bytes(b"exit %d\n" % result[0] + result[1])
        print(name, result[0])

    for name, dockerfile in BUILDS.items():
        keep(name, await bench.build(dockerfile))
    keep("time-limit", await bench.build(SLOW, time_limit_seconds=2))
    nowhere = {"place": RegistryLocation(registry=NOWHERE, insecure=True, repository="x"), "cache": "x/cache"}
    keep("cache-down", await bench.build(FROM + "RUN echo new > /x\n", **nowhere))
    keep("built", await bench.build(BUILDS["good"]))
    keep("push-good", await bench.push(registry, "captures/one"))
    keep("push-registry-down", await bench.push(NOWHERE, "captures/one"))


async def small(registry: str, root: Path, target: Path) -> None:
    """On a full disk: ``root`` is a tmpfs that holds the base image and little more."""
    bench = CaptureRig(registry, root)
    result = await bench.build(BIG)
    (target / f"{root.name}.log").write_bytes(b"exit %d\n" % result[0] + result[1])
    print(root.name, result[0])


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    work = small if folder.name.startswith("disk-full") else main
    asyncio.run(work(sys.argv[1], folder, Path(sys.argv[3])))
