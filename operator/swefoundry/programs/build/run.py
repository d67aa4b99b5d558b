"""How does a build order become an image? Policy, source, build, push; the first that fails ends it.

::

    order -> complaints? -> source artifact -> Dockerfile with settings -> buildah build -> buildah push -> digest
                 46            12, 30                                       40 to 44, 30       45, 44         0
"""

import asyncio
import errno
import os
import resource
import shutil
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from swefoundry.archives.errors import ArchiveRejected
from swefoundry.archives.extract import extract
from swefoundry.archives.policy import SOURCE_POLICY
from swefoundry.contracts.build import BuildResult, BuildSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.dockerfile.policy import PolicyRule, violations
from swefoundry.errors import PermanentError, TransientError
from swefoundry.oci.artifacts import push_file
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource, fetch_source
from swefoundry.programs.build import buildah, oom_counter
from swefoundry.programs.build.failure_classifier import (
    BuildFacts,
    BuildOutcome,
    classify_build,
    classify_push,
)
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.processes import ProcessCommand, ProcessExit, run_process
from swefoundry.programs.build.step_environment import (
    CERTIFICATES_PATH,
    proxy_environment,
    step_environment,
    with_step_mounts,
)

PUSH_SECONDS = 900
"""The push has a limit of its own: a build that used up its time must still be stored."""

BUILD_CONTEXT_POLICY = replace(SOURCE_POLICY, keep_times=True)

SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class BuildRun:
    """One order, carried out once."""

    def __init__(self, order: BuildSpec, dirs: buildah.BuildDirs, log: BuildLog) -> None:
        self._order = order
        self._workplace = dirs
        self._log = log
        self._settings = step_environment(order)
        self._own_hosts = frozenset(
            {order.place.registry, *(m.partition("/")[0] for m in order.mirrors.values())}
        )

    async def run(self) -> BuildResult:
        """Build, push, store the log, and say how it went."""
        started = time.monotonic()
        image = log = None
        try:
            async with self._registry() as registry:
                ending, image = await self._image(registry)
                log = await self._store_log(registry, ending)
        except ssl.SSLError as error:
            ending = BuildOutcome(
                ExitCode.INFRASTRUCTURE,
                f"The certificates in {self._order.ca_bundle} cannot be read: {error}",
            )
        return BuildResult(
            nonce=self._order.nonce,
            code=ending.code,
            message=ending.message,
            image=image,
            step=ending.step,
            step_exit_code=ending.step_exit_code,
            tail=ending.tail,
            log=log,
            oom_kills=ending.oom_kills,
            duration_ms=round((time.monotonic() - started) * 1000),
        )

    def _registry(self) -> RegistryClient:
        bundle = self._order.ca_bundle
        return RegistryClient.for_location(self._order.place, ca_bundle=Path(bundle) if bundle else None)

    async def _image(self, registry: RegistryClient) -> tuple[BuildOutcome, str | None]:
        ending = rejected_spec(self._order) or await self._fetch_source(registry) or await self._run_build()
        if ending.code != ExitCode.OK:
            return ending, None
        ending = await self._push()
        return ending, self._workplace.digest.read_text().strip() if ending.code == ExitCode.OK else None

    async def _fetch_source(self, registry: RegistryClient) -> BuildOutcome | None:
        """The source becomes the build context; a rebuild needs none."""
        order, archive = self._order, self._workplace.root / SOURCE_FILE
        if order.composed is not None:
            self._workplace.context.mkdir(parents=True, exist_ok=True)
            return None
        try:
            await fetch_source(registry, order.place.repository, order.source, archive)
        except InvalidSource as error:
            return BuildOutcome(ExitCode.SOURCE_MISMATCH, f"There is nothing to build: {error}")
        except (TransientError, PermanentError) as error:
            return BuildOutcome(ExitCode.INFRASTRUCTURE, f"The source could not be fetched: {error}")
        try:
            await asyncio.to_thread(unpack_source_context, archive, self._workplace.context)
        except ArchiveRejected as error:
            return BuildOutcome(ExitCode.SOURCE_MISMATCH, f"The source {order.source} is no tree: {error}")
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            code = ExitCode.DISK_FULL if full else ExitCode.INFRASTRUCTURE
            return BuildOutcome(code, f"The source could not be unpacked: {error}")
        self._log.write_line(f"source {order.source} fetched")
        return None

    async def _run_build(self) -> BuildOutcome:
        self._write_files()
        kills = oom_counter.count_oom_kills()
        limits = container_limits()
        command = buildah.build_command(self._order, self._workplace, self._settings, limits)
        ended = await run_process(self._command(command), self._log, self._order.time_limit_seconds)
        limit = self._order.time_limit_seconds if ended.timed_out else None
        seen = BuildFacts(limit, oom_counter.count_oom_kills() - kills, self._own_hosts)
        return classify_build(ended.code, self._log.tail(), seen)

    async def _push(self) -> BuildOutcome:
        image = self._workplace.image_id.read_text().strip()
        command = buildah.push_command(self._order, self._workplace, image)
        said = BuildLog()
        ended: ProcessExit = await run_process(self._command(command), said, PUSH_SECONDS)
        self._log.write(said.content())
        limit = PUSH_SECONDS if ended.timed_out else None
        return classify_push(ended.code, said.tail(), BuildFacts(limit, 0, self._own_hosts))

    def _command(self, argv: list[str]) -> ProcessCommand:
        environment = buildah.buildah_environment(
            os.environ, self._workplace, proxy_environment(self._settings)
        )
        if self._order.ca_bundle is not None:
            environment["SSL_CERT_FILE"] = str(self._workplace.certificates)
        return ProcessCommand(argv, environment)

    def _write_files(self) -> None:
        order, at = self._order, self._workplace
        at.temporary.mkdir(exist_ok=True)
        at.dockerfile.write_text(with_step_mounts(order.draft.dockerfile, self._settings))
        write_configuration(order, at)
        if order.ca_bundle is not None:
            # Steps can write to theirs; buildah has its own.
            write_trust_bundle(Path(order.ca_bundle), at.certificates)
            shutil.copyfile(at.certificates, CERTIFICATES_PATH)

    async def _store_log(self, registry: RegistryClient, outcome: BuildOutcome) -> str | None:
        """A log that cannot be stored is a pity, not a failure: the record holds the telling lines."""
        self._log.write_line(
            f"{outcome.code.name.lower()}: {outcome.message}"
            if outcome.message
            else outcome.code.name.lower()
        )
        try:
            repo, said = self._order.place.repository, self._log.content()
            return await push_file(registry, repo, "build-log", "build.log", said)
        except (TransientError, PermanentError) as error:
            self._log.write_line(f"the log could not be stored: {error}")
            return None


def rejected_spec(order: BuildSpec) -> BuildOutcome | None:
    """What the policy says; None when it is content."""
    found = violations(order.draft.dockerfile, order.allowed_bases, order.composed)
    if not found:
        return None
    code = ExitCode.DOCKERFILE_INVALID if found[0].rule is PolicyRule.SYNTAX else ExitCode.POLICY_REFUSED
    return BuildOutcome(code, found[0].message, tail="\n".join(each.message for each in found))


def write_configuration(order: BuildSpec, dirs: buildah.BuildDirs) -> None:
    """Write buildah's configuration."""
    dirs.ignore_file.write_text("")
    dirs.policy.write_text(buildah.POLICY)
    dirs.defaults.write_text(buildah.containers_conf(dirs))
    dirs.registries.write_text(buildah.registries_conf(order.place, order.mirrors))
    dirs.helpers.mkdir(exist_ok=True)
    stand_in = dirs.helpers / "netavark"
    stand_in.unlink(missing_ok=True)
    stand_in.symlink_to("/bin/true")


def unpack_source_context(archive: Path, context: Path) -> None:
    """Replace the context by the archive's tree, with its times: tools compare those of a stage's files with them."""
    shutil.rmtree(context, ignore_errors=True)
    extract(archive, context, BUILD_CONTEXT_POLICY)
    archive.unlink()


def write_trust_bundle(bundle: Path, target: Path) -> None:
    """One file with the usual certificates and the given ones: tools that are given a bundle forget their own."""
    usual = SYSTEM_CERTIFICATES.read_bytes() if SYSTEM_CERTIFICATES.exists() else b""
    target.write_bytes(usual.rstrip() + b"\n" + bundle.read_bytes())
    target.chmod(0o644)


def container_limits() -> Mapping[str, str]:
    """Our own resource limits in the form that --ulimit takes."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    return {name: ":".join(map(str, resource.getrlimit(kind))) for name, kind in kinds.items()}
