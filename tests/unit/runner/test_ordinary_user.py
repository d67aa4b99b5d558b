"""The real runner runs the command as a user other than root, who gets the working directory and no right of root."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.runner.runner_box import NONCE, Box, RunnerExit

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run a command as another user")

USER = 1234
OWN_FILES = (
    'mount -t tmpfs none /home && cp /etc/passwd {copy} && mount --bind {copy} /etc/passwd && exec "$@"'
)
"""The runner adds the user to the image's list of users and makes a home; here, in files of the test's own."""


@pytest.fixture
def box(runner_binary: Path) -> Iterator[Box]:
    """A box that every user may enter; pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "testbed").mkdir()
    yield Box(Path(shutil.copy(runner_binary, folder)), folder)
    shutil.rmtree(folder)


def run(box: Box, command: str, **fields: object) -> RunnerExit:
    script = OWN_FILES.format(copy=shlex.quote(str(box.folder / "passwd")))
    around = ["unshare", "--mount", "sh", "-c", script, "sh"]
    return box.run(command, around=around, run_as_user=USER, **fields)


def test_the_command_has_the_users_ids_and_no_other_group(box: Box):
    ran = run(box, "id -u; id -ru; id -G; grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status | cut -f 2")
    assert (ran.code, ran.output.decode().split()) == (0, [str(USER)] * 3 + ["0" * 16] * 3)


def test_the_user_has_a_name_and_a_home_of_his_own(box: Box):
    ran = run(box, "echo $USER $LOGNAME $HOME; id -un; touch ~/file; stat -c %U ~")
    assert ran.output.decode().splitlines() == ["tester tester /home/tester", "tester", "tester"]


def test_every_file_of_the_working_directory_can_be_written(box: Box):
    folder = box.workdir / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "file").write_text("old")
    (folder / "link").symlink_to("/etc/hostname")
    ran = run(box, "echo new > a/b/file && touch a/b/another && rm a/b/link && cat a/b/file")
    assert (ran.code, ran.output, os.stat("/etc/hostname").st_uid) == (0, b"new\n", 0)


def test_permissions_mean_something(box: Box):
    ran = run(
        box,
        "touch file; chmod 0 file; cat file && exit 3; touch /etc/new && exit 4; ls /root && exit 5; true",
    )
    assert ran.code == 0


def test_the_output_can_be_opened_by_name(box: Box):
    ran = run(box, "echo one > /dev/stdout; echo two > /dev/stderr")
    assert (ran.code, ran.output) == (0, b"one\ntwo\n")


def test_reports_are_read_and_the_progress_of_pytest_is_recorded(box: Box):
    report = "<testsuite><testcase name='a'/></testsuite>"
    record = "test -w $SWEFOUNDRY_PROGRESS -a -r ${SWEFOUNDRY_PROGRESS%/*}/swefoundry_progress.py"
    ran = run(box, f'echo "{report}" > r.xml; {record}', reports=["*.xml"])
    assert (ran.code, ran.record["tests"]["passed"]) == (0, 1)


ATTACKS = {
    "signals": "for n in $(seq 64); do kill -$n 1 && exit 0; done; false",
    "root again": "setpriv --reuid 0 true",
    "groups of root": "setpriv --groups 0 true",
    "limits": "prlimit --pid 1 --fsize=0",
    "its environment": ": < /proc/1/environ",
    "its memory": ": < /proc/1/mem",
    "its program": ": >> {program}",
    "its folder": "touch {program}.new",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_the_user_can_do_nothing_to_the_runner(box: Box, attack: str):
    forged = f'{{"v":1,"nonce":"{NONCE}","stage":"before","code":0,"rawExit":0}}'
    attempt = attack.format(program=box.binary)
    ran = run(box, f"echo '{forged}' > {box.termination_log}; ({attempt}) 2> /dev/null && echo DONE; exit 7")
    assert (ran.code, ran.record["rawExit"], ran.output) == (1, 7, b"")


def test_what_the_command_leaves_behind_is_killed(box: Box):
    ran = run(box, "setsid sleep 600 & (setsid sh -c 'sleep 600; true' &); exit 1")
    assert (ran.code, ran.record["rawExit"]) == (1, 1)


def test_what_runs_as_a_user_to_whom_a_command_of_root_changed_is_killed_too(box: Box):
    ran = box.run(
        f"setpriv --reuid {USER} --regid {USER} --clear-groups setsid sleep 600 & sleep 0.3; exit 1"
    )
    assert (ran.code, ran.record["rawExit"]) == (1, 1)
