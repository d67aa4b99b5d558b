"""The parts of the build program that need no registry and no buildah."""

import io
import json
import re
import signal
import sys
import tarfile
from pathlib import Path

import pytest

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.archives.archive_policy import ExtractPolicy, GitPolicy, LinkPolicy
from swefoundry.contracts.build import BuildResult, BuildSpec
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.termination_record import truncate_to_fit
from swefoundry.programs.build import oom_counter
from swefoundry.programs.build.__main__ import BUILD_RESULT_CUTS
from swefoundry.programs.build.buildah import (
    BuildDirs,
    build_command,
    buildah_environment,
    push_command,
    registries_conf,
)
from swefoundry.programs.build.log_parser import parse_log, strip_escape_codes
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.processes import ProcessCommand, ProcessExit, run_process
from swefoundry.programs.build.run import (
    BUILD_CONTEXT_POLICY,
    rejected_spec,
    unpack_source_context,
    write_trust_bundle,
)
from swefoundry.programs.build.step_environment import proxy_environment, step_environment, with_step_args
from swefoundry.workloads.build.launch import rebuild_draft
from unit.archives.archive_writers import file, folder, link, tar

PLACE = RegistryLocation(registry="registry.lab:5000", insecure=True, repository="swefoundry/tasks/a/b")
DIGEST = "sha256:" + "1" * 64
GOOD = "FROM python:3.11-slim\nCOPY . /testbed\n"
AT = BuildDirs(Path("/w"))


def a_spec(dockerfile: str = GOOD, **changes: object) -> BuildSpec:
    spec = BuildSpec(
        nonce="n",
        place=PLACE,
        source=DIGEST,
        draft=Draft(dockerfile=dockerfile, test_command="pytest"),
        tag="one",
        time_limit_seconds=60,
    )
    return spec.model_copy(update=changes)


class TestLogs:
    def test_everything_is_kept_below_the_cap(self) -> None:
        log = BuildLog(limit_bytes=100)
        log.write(b"one ")
        log.write(b"two")
        assert log.content() == b"one two"

    def test_head_and_tail_are_kept_above_it(self) -> None:
        log = BuildLog(limit_bytes=8)
        for piece in (b"0123456", b"789", b"abcdef"):
            log.write(piece)
        assert log.content() == b"0123\n[... 8 bytes dropped ...]\ncdef"

    def test_output_is_passed_on_whole(self) -> None:
        echo = io.BytesIO()
        log = BuildLog(echo, limit_bytes=4)
        log.write(b"0123456789")
        assert echo.getvalue() == b"0123456789"

    def test_progress_bars_and_colours_are_reduced_to_what_they_last_said(self) -> None:
        assert strip_escape_codes("\x1b[31m 10%\r 50%\r100% done\x1b[0m\r") == "100% done"

    def test_output_belongs_to_the_step_that_began_last(self) -> None:
        parsed = parse_log(
            "STEP 1/2: FROM x\nnoise\n[2/2] STEP 2/2: RUN y\nsaid\nsubprocess exited with status 1\nError: no"
        )
        assert (parsed.opened, parsed.output, parsed.error) == ("RUN y", ("said",), "no")


class TestRecords:
    def test_a_short_record_is_written_whole(self) -> None:
        record = BuildResult(nonce="n", code=0, image=DIGEST, duration_ms=5)
        assert BuildResult.model_validate_json(truncate_to_fit(record, *BUILD_RESULT_CUTS)) == record

    @pytest.mark.parametrize("line", ["x" * 200, "ä\t\x01" * 60, "€" * 3000])
    def test_a_long_tail_loses_its_first_lines(self, line: str) -> None:
        record = BuildResult(
            nonce="n", code=42, message="m" * 5000, step="s" * 5000, tail=f"{line}\n" * 60 + "the end"
        )
        content = truncate_to_fit(record, *BUILD_RESULT_CUTS)
        kept = json.loads(content)
        assert 2000 < len(content) <= 4096 or kept["tail"] == "the end"
        assert kept["tail"].endswith("the end")
        assert (len(kept["message"]), len(kept["step"])) == (600, 300)

    def test_one_endless_line_loses_its_start(self) -> None:
        content = truncate_to_fit(BuildResult(nonce="n", code=42, tail="a" * 9000 + "z"), *BUILD_RESULT_CUTS)
        assert len(content) <= 4096
        assert json.loads(content)["tail"].endswith("az")


class TestProcesses:
    async def test_output_and_exit_code_are_told(self) -> None:
        log = BuildLog()
        script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(7)"
        assert await run_process(ProcessCommand([sys.executable, "-c", script], {}), log, 60) == ProcessExit(
            7
        )
        assert log.content() == b"out\nerr\n"

    async def test_a_program_over_its_time_is_stopped_with_its_children(self, tmp_path: Path) -> None:
        lock = tmp_path / "lock"
        script = f"flock {lock} sleep 600 & echo started; wait"
        log = BuildLog()
        ended = await run_process(
            ProcessCommand(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}), log, 2
        )
        assert ended.timed_out
        assert log.content() == b"started\n"
        free = ProcessCommand(["/usr/bin/flock", str(lock), "/bin/true"], {})
        assert await run_process(free, BuildLog(), 60) == ProcessExit(0)

    async def test_a_program_that_ignores_the_request_is_killed(self) -> None:
        before = signal.signal(
            signal.SIGTERM, signal.SIG_IGN
        )  # inherited: it ignores it from its first moment
        try:
            ended = await run_process(ProcessCommand(["/bin/sleep", "600"], {}), BuildLog(), 0.2)
        finally:
            signal.signal(signal.SIGTERM, before)
        assert ended == ProcessExit(-9, timed_out=True)

    async def test_a_daemon_that_holds_the_output_open_is_not_waited_for(self) -> None:
        ended = await run_process(
            ProcessCommand(["/bin/sh", "-c", "setsid /bin/sleep 5 & exit 3"], {}), BuildLog(), 60
        )
        assert ended == ProcessExit(3)


class TestSettings:
    def test_a_fixed_date_reaches_every_step(self) -> None:
        assert step_environment(a_spec()) == {"SOURCE_DATE_EPOCH": "315619200"}

    def test_certificates_and_proxies_have_every_name_that_tools_look_for(self) -> None:
        settings = step_environment(
            a_spec(ca_bundle="/ca.crt", build_args={"HTTPS_PROXY": "http://p", "PIP_INDEX_URL": "u"})
        )
        assert {settings["PIP_CERT"], settings["SSL_CERT_FILE"]} == {"/dev/shm/swefoundry-certificates.pem"}
        assert proxy_environment(settings) == {"HTTPS_PROXY": "http://p", "https_proxy": "http://p"}
        assert settings["PIP_INDEX_URL"] == "u"

    def test_options_of_java_join_its_certificates(self) -> None:
        settings = step_environment(
            a_spec(ca_bundle="/ca.crt", build_args={"JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=p"})
        )
        assert settings["JAVA_TOOL_OPTIONS"] == (
            "-Djavax.net.ssl.trustStore=/dev/shm/swefoundry-certificates.jks -Dhttps.proxyHost=p"
        )

    def test_every_stage_declares_the_settings_below_its_from(self) -> None:
        dockerfile = "# syntax=x\nARG A=1\nFROM a \\\n  AS one\nRUN <<E\nFROM b\nE\nFROM one\nRUN x"
        dockerfile_with_args = with_step_args(dockerfile, ["B", "A", "https_proxy"])
        assert re.sub(r"HEREDOC_[0-9a-f]{16}", "HEREDOC_…", dockerfile_with_args) == (
            "# syntax=x\nARG A=1\nFROM a \\\n  AS one\nARG A B\nARG HEREDOC_…=1\nRUN <<E\nFROM b\nE\n"
            "FROM one\nARG A B\nRUN x\n"
        )

    def test_a_changed_heredoc_changes_the_key_of_its_step(self) -> None:
        one, two = (with_step_args(f"FROM a\nRUN <<E\necho {word}\nE\n", ["A"]) for word in ("one", "two"))
        assert one.splitlines()[2] != two.splitlines()[2]

    def test_given_certificates_join_the_usual_ones(self, tmp_path: Path) -> None:
        (tmp_path / "own").write_text("OWN\n")
        write_trust_bundle(tmp_path / "own", tmp_path / "all")
        assert (tmp_path / "all").read_bytes().endswith(b"\nOWN\n")


class TestBuildahIsTold:
    def test_where_images_come_from(self) -> None:
        assert registries_conf(
            PLACE, {"docker.io": "registry.lab:5000/hub", "ghcr.io": "mirror.example"}
        ) == (
            'unqualified-search-registries = ["docker.io"]\n'
            'short-name-mode = "disabled"\n'
            '[[registry]]\nprefix = "registry.lab:5000"\nlocation = "registry.lab:5000"\ninsecure = true\n'
            '[[registry]]\nprefix = "docker.io"\nlocation = "registry.lab:5000/hub"\ninsecure = true\n'
            '[[registry]]\nprefix = "ghcr.io"\nlocation = "mirror.example"\ninsecure = false\n'
        )

    def test_how_to_build(self) -> None:
        spec = a_spec(cache="swefoundry/cache", place=PLACE.model_copy(update={"auth_file": "/auth"}))
        command = " ".join(build_command(spec, AT, {"A": "1"}, {"nofile": "5:6"}))
        assert command.startswith(
            "buildah --root /w/storage --runroot /w/run --registries-conf /w/registries.conf build "
        )
        assert command.endswith(" --iidfile /w/image-id -f /w/Dockerfile /w/context")
        for part in (
            "--isolation chroot --network host --layers",
            "--timestamp 315532800",
            "--ignorefile /w/ignore-nothing",
            "--ulimit nofile=5:6",
            "--build-arg A=1",
            "--cache-from registry.lab:5000/swefoundry/cache --cache-to registry.lab:5000/swefoundry/cache",
            "--authfile /auth",
        ):
            assert f" {part} " in command

    def test_where_to_push(self) -> None:
        assert push_command(a_spec(), AT, "sha256:ab")[-4:] == [
            "--digestfile", "/w/digest", "sha256:ab", "docker://registry.lab:5000/swefoundry/tasks/a/b:one",
        ]  # fmt: skip

    def test_nothing_of_the_pod_s_environment_but_what_it_needs(self) -> None:
        seen = buildah_environment({"PATH": "/bin", "SWEFOUNDRY_BUILD": "secret"}, AT, {"https_proxy": "p"})
        assert seen == {
            "PATH": "/bin",
            "https_proxy": "p",
            "TMPDIR": "/w/tmp",
            "CONTAINERS_CONF": "/w/containers.conf",
            "CONTAINERS_REGISTRIES_CONF": "/w/registries.conf",
        }


class TestRefusals:
    def test_a_good_dockerfile_is_built(self) -> None:
        assert rejected_spec(a_spec()) is None

    def test_a_broken_rule_is_told_before_anything_is_fetched(self) -> None:
        outcome = rejected_spec(a_spec(GOOD + "RUN git clone https://example.org/a/b\n"))
        assert outcome is not None
        assert (outcome.code, outcome.message[:18]) == (ExitCode.POLICY_REFUSED, "Line 3: `git clone")

    def test_a_missing_from_is_no_policy_but_syntax(self) -> None:
        outcome = rejected_spec(a_spec("RUN x\n"))
        assert outcome is not None
        assert outcome.code == ExitCode.DOCKERFILE_INVALID


class TestSources:
    def test_the_tree_replaces_whatever_was_there(self, tmp_path: Path) -> None:
        context = tmp_path / "context"
        context.mkdir()
        (context / "old").touch()
        archive = tmp_path / "source.tar.gz"
        with tarfile.open(archive, "w:gz") as tree:
            entry = tarfile.TarInfo("bin/run")
            entry.mode, entry.size = 0o755, 2
            tree.addfile(entry, io.BytesIO(b"x\n"))
        unpack_source_context(archive, context)
        assert [path.relative_to(context).as_posix() for path in sorted(context.rglob("*"))] == [
            "bin",
            "bin/run",
        ]
        assert (context / "bin/run").stat().st_mode & 0o777 == 0o755

    def test_times_and_links_are_those_of_the_archive(self, tmp_path: Path) -> None:
        archive = tmp_path / "source.tar.gz"
        archive.write_bytes(tar(folder("d", 10), file("d/a", b"x", mtime=20), link("d/l", "/etc/passwd", 30)))
        unpack_source_context(archive, tmp_path / "context")
        paths = [tmp_path / "context" / name for name in ("d", "d/a", "d/l")]
        assert [path.lstat().st_mtime for path in paths] == [10, 20, 30]

    def test_a_source_is_extracted_within_limits(self) -> None:
        assert (
            ExtractPolicy(
                ArchiveLimits(unpacked_bytes=4 << 30, members=600_000),
                LinkPolicy.ANYWHERE,
                GitPolicy.KEEP,
                keep_times=True,
            )
            == BUILD_CONTEXT_POLICY
        )

    def test_an_unsafe_source_is_rejected(self, tmp_path: Path) -> None:
        (tmp_path / "source.tar.gz").write_bytes(tar(file("../escaped")))
        with pytest.raises(ArchiveRejected, match="leads out of it"):
            unpack_source_context(tmp_path / "source.tar.gz", tmp_path / "context")


@pytest.mark.parametrize(
    ("content", "kills"),
    [
        ("low 0\noom 3\noom_kill 2\n", 2),
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 1),
        ("nothing\n", 0),
    ],
)
def test_kills_for_memory_are_counted(tmp_path: Path, content: str, kills: int) -> None:
    (tmp_path / "counter").write_text(content)
    assert oom_counter.count_oom_kills((tmp_path / "missing", tmp_path / "counter")) == kills


def test_a_rebuild_runs_the_rebuild_command_alone_and_keeps_the_rest_of_the_draft() -> None:
    draft = Draft(dockerfile=GOOD, test_command="pytest", rebuild_command="make all", reports=["r.xml"])
    rebuilt = rebuild_draft(draft, "registry/repo@" + DIGEST)
    assert rebuilt == draft.model_copy(
        update={"dockerfile": f"FROM registry/repo@{DIGEST}\nRUN cd /testbed && make all\n"}
    )
    several = rebuild_draft(draft.model_copy(update={"rebuild_command": "a\nb"}), "i@" + DIGEST)
    assert several.dockerfile.splitlines()[1] == 'RUN ["/bin/sh", "-ec", "cd /testbed\\na\\nb"]'


def test_a_rebuild_is_not_refused_for_the_image_that_the_operator_composed() -> None:
    composed = f"{PLACE.registry}/{PLACE.repository}@{DIGEST}"
    spec = a_spec(f"FROM {composed}\nRUN true\n", allowed_bases=["python"])
    assert rejected_spec(spec) is not None
    assert rejected_spec(spec.model_copy(update={"composed": composed})) is None
