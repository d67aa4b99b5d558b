"""Build an image from a spec: policy, source, build, push. The first failure ends it.

::

    spec -> violations? -> source artifact -> Dockerfile with settings -> buildah build -> buildah push -> digest
                 46            12, 30                                  40 to 44, 47, 48, 30   45, 44         0
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

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_policy import SOURCE_POLICY
from swefoundry.archives.extract import extract
from swefoundry.contracts.build import BuildResult, BuildSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.dockerfile.policy import PolicyRule, violations
from swefoundry.errors import PermanentError, RegistryUnavailable, TransientError
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
from swefoundry.programs.build.index_pages import asked_pages, failing_pages
from swefoundry.programs.build.java_truststore import write_java_truststore
from swefoundry.programs.build.log_parser import parse_log
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.processes import ProcessCommand, ProcessExit, run_process
from swefoundry.programs.build.step_environment import (
    CERTIFICATES_PATH,
    JAVA_TRUSTSTORE_PATH,
    proxy_environment,
    step_environment,
    with_step_args,
)

PUSH_SECONDS = 900
"""The push has a limit of its own: a build that used up its time must still be stored."""

BUILD_CONTEXT_POLICY = replace(SOURCE_POLICY, keep_times=True)

SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class BuildRun:
    """One spec, carried out once."""

    def __init__(self, spec: BuildSpec, dirs: buildah.BuildDirs, log: BuildLog) -> None:
        self._spec = spec
        self._dirs = dirs
        self._log = log
        self._settings = step_environment(spec)
        self._own_hosts = frozenset(
            {spec.place.registry, *(m.partition("/")[0] for m in spec.mirrors.values())}
        )

    async def run(self) -> BuildResult:
        """Build, push, store the log; the result."""
        started = time.monotonic()
        image = log = None
        try:
            async with self._registry() as registry:
                outcome, image = await self._image(registry)
                log = await self._store_log(registry, outcome)
        except ssl.SSLError as error:
            outcome = BuildOutcome(
                ExitCode.INFRASTRUCTURE,
                f"The certificates in {self._spec.ca_bundle} cannot be read: {error}",
            )
        return BuildResult(
            nonce=self._spec.nonce,
            code=outcome.code,
            message=outcome.message,
            image=image,
            step=outcome.step,
            step_exit_code=outcome.step_exit_code,
            tail=outcome.tail,
            log=log,
            oom_kills=outcome.oom_kills,
            duration_ms=round((time.monotonic() - started) * 1000),
            host=outcome.host,
        )

    def _registry(self) -> RegistryClient:
        bundle = self._spec.ca_bundle
        return RegistryClient.for_location(self._spec.place, ca_bundle=Path(bundle) if bundle else None)

    async def _image(self, registry: RegistryClient) -> tuple[BuildOutcome, str | None]:
        outcome = rejected_spec(self._spec) or await self._fetch_source(registry) or await self._run_build()
        if outcome.code != ExitCode.OK:
            return outcome, None
        outcome = await self._push()
        return outcome, self._dirs.digest.read_text().strip() if outcome.code == ExitCode.OK else None

    async def _fetch_source(self, registry: RegistryClient) -> BuildOutcome | None:
        """Fetch the source as the build context; a rebuild needs none."""
        spec, archive = self._spec, self._dirs.root / SOURCE_FILE
        if spec.composed is not None:
            self._dirs.context.mkdir(parents=True, exist_ok=True)
            return None
        try:
            await fetch_source(registry, spec.place.repository, spec.source, archive)
        except InvalidSource as error:
            return BuildOutcome(ExitCode.SOURCE_MISMATCH, f"There is nothing to build: {error}")
        except (TransientError, PermanentError) as error:
            host = error.host if isinstance(error, RegistryUnavailable) else None
            message = f"The source could not be fetched: {error}"
            return BuildOutcome(ExitCode.INFRASTRUCTURE, message, host=host)
        try:
            await asyncio.to_thread(unpack_source_context, archive, self._dirs.context)
        except ArchiveRejected as error:
            return BuildOutcome(
                ExitCode.SOURCE_MISMATCH, f"The source {spec.source} is not a source tree: {error}"
            )
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            code = ExitCode.DISK_FULL if full else ExitCode.INFRASTRUCTURE
            return BuildOutcome(code, f"The source could not be unpacked: {error}")
        self._log.write_line(f"source {spec.source} fetched")
        return None

    async def _run_build(self) -> BuildOutcome:
        self._write_files()
        kills = oom_counter.count_oom_kills()
        limits = container_limits()
        command = buildah.build_command(self._spec, self._dirs, self._settings, limits)
        exited = await run_process(self._command(command), self._log, self._spec.time_limit_seconds)
        limit = self._spec.time_limit_seconds if exited.timed_out else None
        kills = oom_counter.count_oom_kills() - kills
        pages = await self._failing_pages() if exited.code != 0 else ()
        return classify_build(exited.code, self._log.tail(), BuildFacts(limit, kills, self._own_hosts, pages))

    async def _failing_pages(self) -> tuple[str, ...]:
        output = parse_log(self._log.tail()).output
        pages = asked_pages(output, self._settings)
        return tuple(await failing_pages(pages, self._settings, self._dirs.certificates))

    async def _push(self) -> BuildOutcome:
        image = self._dirs.image_id.read_text().strip()
        command = buildah.push_command(self._spec, self._dirs, image)
        push_log = BuildLog()
        exited: ProcessExit = await run_process(self._command(command), push_log, PUSH_SECONDS)
        self._log.write(push_log.content())
        limit = PUSH_SECONDS if exited.timed_out else None
        return classify_push(exited.code, push_log.tail(), BuildFacts(limit, 0, self._own_hosts))

    def _command(self, argv: list[str]) -> ProcessCommand:
        environment = buildah.buildah_environment(os.environ, self._dirs, proxy_environment(self._settings))
        if self._spec.ca_bundle is not None:
            environment["SSL_CERT_FILE"] = str(self._dirs.certificates)
        return ProcessCommand(argv, environment)

    def _write_files(self) -> None:
        spec, at = self._spec, self._dirs
        at.temporary.mkdir(exist_ok=True)
        at.dockerfile.write_text(with_step_args(spec.draft.dockerfile, self._settings))
        write_configuration(spec, at)
        if spec.ca_bundle is not None:
            # Steps can write to theirs; buildah has its own.
            write_trust_bundle(Path(spec.ca_bundle), at.certificates)
            shutil.copyfile(at.certificates, CERTIFICATES_PATH)
            write_java_truststore(at.certificates, Path(JAVA_TRUSTSTORE_PATH))

    async def _store_log(self, registry: RegistryClient, outcome: BuildOutcome) -> str | None:
        """Store the log. Failing to is no failure of the build: the result holds the most diagnostic lines."""
        self._log.write_line(
            f"{outcome.code.name.lower()}: {outcome.message}"
            if outcome.message
            else outcome.code.name.lower()
        )
        try:
            repo, content = self._spec.place.repository, self._log.content()
            return await push_file(registry, repo, "build-log", "build.log", content)
        except (TransientError, PermanentError) as error:
            self._log.write_line(f"the log could not be stored: {error}")
            return None


def rejected_spec(spec: BuildSpec) -> BuildOutcome | None:
    """The outcome of a spec whose Dockerfile breaks the policy; None when it does not."""
    broken = violations(spec.draft.dockerfile, spec.allowed_bases, spec.composed)
    if not broken:
        return None
    code = ExitCode.DOCKERFILE_INVALID if broken[0].rule is PolicyRule.SYNTAX else ExitCode.POLICY_REFUSED
    return BuildOutcome(code, broken[0].message, tail="\n".join(violation.message for violation in broken))


def write_configuration(spec: BuildSpec, dirs: buildah.BuildDirs) -> None:
    """Write buildah's configuration."""
    dirs.ignore_file.write_text("")
    dirs.policy.write_text(buildah.POLICY)
    dirs.defaults.write_text(buildah.containers_conf(dirs))
    dirs.registries.write_text(buildah.registries_conf(spec.place, spec.mirrors))
    dirs.helpers.mkdir(exist_ok=True)
    network_program = dirs.helpers / "netavark"
    network_program.unlink(missing_ok=True)
    network_program.symlink_to("/bin/true")


def unpack_source_context(archive: Path, context: Path) -> None:
    """Replace the context by the archive's tree, with its times: tools compare those of a stage's files with them."""
    shutil.rmtree(context, ignore_errors=True)
    extract(archive, context, BUILD_CONTEXT_POLICY)
    archive.unlink()


def write_trust_bundle(bundle: Path, target: Path) -> None:
    """One file with the system's certificates and the given ones: tools use a given bundle instead of their own."""
    system_certificates = SYSTEM_CERTIFICATES.read_bytes() if SYSTEM_CERTIFICATES.exists() else b""
    target.write_bytes(system_certificates.rstrip() + b"\n" + bundle.read_bytes())
    target.chmod(0o644)


def container_limits() -> Mapping[str, str]:
    """This process's resource limits in the form that --ulimit takes."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    return {name: ":".join(map(str, resource.getrlimit(kind))) for name, kind in kinds.items()}
