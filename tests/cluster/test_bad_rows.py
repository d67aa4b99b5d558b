"""Rows that are wrong, odd or by reference: the wrong ones end with a reason and what to do, the others go on."""

import asyncio
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.commands import LAB, ON_LAB, kubectl
from cluster.sample_instances import (
    GIT,
    NAMESPACE,
    SHELL_BUG,
    SHELL_FIX,
    Json,
    SampleRepository,
    a_task,
    apply,
    condition,
    delete,
    get,
    make_repository,
    make_shell_repository,
    pods_of,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.names import repository

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB or not (LAB / "registry").exists(), reason="needs the lab's git server"),
]

HOST = "127.0.0.1:5000"
"""The lab's registry as this machine reaches it; pods call it registry.lab:5000."""

NOWHERE = f"{GIT.rpartition(':')[0]}:80"
"""A port that intake pods may use and that nobody listens on."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
OTHER_PNG = PNG[:8] + PNG[:7:-1]


def made(content: str = "", mode: int = 0o644, target: str = "") -> Callable[[Path], None]:
    """A new file, whatever was there: with a mode, or a link."""

    def make(path: Path) -> None:
        path.unlink(missing_ok=True)
        if target:
            path.symlink_to(target)
        else:
            path.write_text(content)
            path.chmod(mode)

    return make


ODD_FILES = {
    "old name.txt": "kept\n",
    "gone.txt": "x\n",
    "link": made(target="gone.txt"),
    "was-file": "x\n",
    "was-link": made(target="crlf.txt"),
    "tool.sh": "true\n",
    "crlf.txt": "a\r\nb\r\n",
    "no-newline.txt": "begin",
    "na\u00efve-\u540d.txt": "old\n",
    "logo.png": PNG,
}
ODD_FIX = {
    "old name.txt": None,
    "new name.txt": "kept\n",
    "gone.txt": None,
    "link": made(target="crlf.txt"),
    "was-file": made(target="tool.sh"),
    "was-link": made("plain\n"),
    "tool.sh": made("true\n", mode=0o755),
    "crlf.txt": "a\r\nc\r\n",
    "no-newline.txt": "end",
    "na\u00efve-\u540d.txt": "new\n",
    "logo.png": OTHER_PNG,
}
ODD_TESTS = {
    "expected.png": OTHER_PNG,
    "check.sh": """set -e
[ ! -e "old name.txt" ]
[ "$(cat "new name.txt")" = kept ]
[ ! -e gone.txt ]
[ "$(readlink link)" = crlf.txt ]
[ "$(readlink was-file)" = tool.sh ]
[ ! -L was-link ]
[ "$(cat was-link)" = plain ]
[ -x tool.sh ]
printf 'a\\r\\nc\\r\\n' | cmp - crlf.txt
printf end | cmp - no-newline.txt
[ "$(cat na\u00efve-\u540d.txt)" = new ]
cmp logo.png expected.png
""",
}


def stale(patch: str) -> str:
    """The same patch, made against other lines."""
    return patch.replace("-echo 41", "-echo 40")


async def _push(repo: str, data: bytes) -> str:
    async with RegistryClient(HOST, insecure=True) as registry:
        return await registry.put_blob(repository("swefoundry/tasks", repo), data)


def push(name: str, data: bytes) -> str:
    """The digest of a blob in an instance's repository."""
    return asyncio.run(_push(f"lab/{name}", data))


def an_archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, content in SHELL_BUG.items():
            entry = tarfile.TarInfo(f"project-1.0/{path}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
    return packed.getvalue()


def an_archived_task(name: str, repo: str, sha256: str = "") -> Json:
    """Its source is an archive that the lab's registry serves as a blob."""
    archive = an_archive()
    path = repository("swefoundry/tasks", f"lab/{repo}")
    url = f"http://registry.lab:5000/v2/{path}/blobs/{push(repo, archive)}"
    source = {"archive": {"url": url, "sha256": sha256 or hashlib.sha256(archive).hexdigest()}}
    task = a_task(
        name, make_shell_repository(repo), repo=f"lab/{repo}", instanceId=repo, source=source, version="1.0"
    )
    del task["spec"]["baseCommit"]
    return task


def a_private_story(name: str, **changes: object) -> SampleRepository:
    return make_shell_repository(name, private=True, **changes)


def a_private_task(story: SampleRepository, name: str, secret: str = "", **spec: object) -> Json:
    """The lab asks for the user and password `lab`."""
    git: Json = {"url": story.url.replace("://", "://lab@")}
    if secret:
        git["tokenSecretRef"] = {"name": secret, "key": "token"}
    return a_task(name, story, **({"source": {"git": git}} | spec))


def stored(kind: str, name: str, data: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        ("stringData" if kind == "Secret" else "data"): data,
    }


def by_reference(name: str) -> list[Json]:
    """A private source with its token in a Secret, tests in a ConfigMap, and 5 MB of fix in the registry."""
    data = "".join(f"{os.urandom(40).hex()}\n" for _ in range(65_000))
    story = a_private_story(name, fix=SHELL_FIX | {"data.txt": data})
    assert len(story.gold_patch) > 5_000_000
    task = a_private_task(
        story,
        name,
        f"{name}-right",
        goldPatch={"artifact": push(name, story.gold_patch.encode())},
        testPatch={"configMapRef": {"name": name, "key": "test.patch"}},
    )
    maps = stored("ConfigMap", name, {"test.patch": story.test_patch})
    # The task comes first: what it names may come a moment later.
    return [task, stored("Secret", f"{name}-right", {"token": "lab\n"}), maps]


Rows = Callable[[str, str], list[Json]]
"""The objects of a case, given its name and the name of a Secret and a ConfigMap that all rows share."""


def a_row(name: str, **changes: object) -> list[Json]:
    """The smallest good story with something wrong about it; story's own fields, or the spec's."""
    story = make_shell_repository(name)
    own = {key: changes.pop(key) for key in ("commit", "url", "gold_patch", "test_patch") if key in changes}
    return [a_task(name, replace(story, **own), **changes)]


def stale_gold(name: str, shared: str) -> list[Json]:
    return a_row(name, gold_patch=stale(make_shell_repository(name).gold_patch))


def stale_tests(name: str, shared: str) -> list[Json]:
    story = make_shell_repository(name, files=SHELL_BUG | {"check.sh": "true\n"})
    return [a_task(name, replace(story, test_patch=story.test_patch.replace("-true", "-false")))]


REFUSED: dict[str, tuple[Rows, str, str]] = {
    "stale-gold": (
        stale_gold,
        "GoldPatchDoesNotApply",
        "the gold patch does not apply: answer.sh, hunk 1 of 1 at line 1: ",
    ),
    "stale-tests": (
        stale_tests,
        "TestPatchDoesNotApply",
        "the test patch does not apply: check.sh, hunk 1 of 1 at line 1: ",
    ),
    "no-patch": (
        lambda name, shared: a_row(name, gold_patch="print the answer\n"),
        "GoldPatchDoesNotApply",
        "it is no unified diff",
    ),
    "long-path": (
        lambda name, shared: a_row(name, test_patch=f"--- a/{LONG}\n+++ b/{LONG}\n@@ -1 +1 @@\n-a\n+b\n"),
        "TestPatchDoesNotApply",
        "…. It is applied to spec.baseCommit as it is: was it made against that?",
    ),
    "wrong-commit": (
        lambda name, shared: a_row(name, commit="f" * 40),
        "SourceMismatch",
        f".git has no commit {'f' * 40}",
    ),
    "no-repository": (
        lambda name, shared: a_row(name, url=f"{GIT}/no-such-repository.git"),
        "SourceUnreachable",
        "there is no git repository at http://git.lab:8418/no-such-repository.git: check the URL",
    ),
    "nobody-listens": (
        lambda name, shared: a_row(name, url=f"{NOWHERE}/x.git"),
        "SourceUnreachable",
        "(asked 4 times): check the URL, and that network policies let intake pods go there",
    ),
    "no-token": (
        lambda name, shared: [a_private_task(a_private_story(name), name)],
        "SourceUnreachable",
        "name a secret with a token (tokenSecretRef)",
    ),
    "wrong-token": (
        lambda name, shared: [a_private_task(a_private_story(name), name, shared)],
        "SourceUnreachable",
        "the git token was rejected: renew the secret",
    ),
    "no-secret": (
        lambda name, shared: [a_private_task(a_private_story(name), name, "no-such-secret")],
        "Misconfigured",
        "spec.source.git.tokenSecretRef: Secret no-such-secret with the key token is not there; create it",
    ),
    "no-config-map": (
        lambda name, shared: a_row(name, goldPatch=a_reference("no-such-config-map", "gold.patch")),
        "Misconfigured",
        "spec.goldPatch.configMapRef: ConfigMap no-such-config-map with the key gold.patch is not there",
    ),
    "wrong-key": (
        lambda name, shared: a_row(name, testPatch=a_reference(shared, "tests.patch")),
        "Misconfigured",
        "with the key tests.patch is not there",
    ),
    "wrong-sum": (
        lambda name, shared: [an_archived_task(name, name, sha256="1" * 64)],
        "SourceMismatch",
        f"not {'1' * 64}",
    ),
}
"""Case -> its objects, and the reason and a part of the message that it ends with."""

ACCEPTED: dict[str, Callable[[str], list[Json]]] = {
    "by-reference": lambda name: by_reference(name),
    "odd-files": lambda name: [a_task(name, make_repository(name, ODD_FILES, ODD_TESTS, ODD_FIX))],
    "long-name": lambda name: [an_archived_task(name, name[:30])],
    "suspended": lambda name: [a_task(name, make_shell_repository(name), suspend=True)],
}

LONG = "/".join(["long"] * 700)
"""A path that no field of a status has room for."""

SLEEPY = {"dockerfile": "FROM busybox:stable\nCOPY . /testbed\nRUN sleep 600\n", "testCommand": "true"}


def a_reference(name: str, key: str) -> Json:
    return {"configMapRef": {"name": name, "key": key}}


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Every row at once; each test waits for its own."""
    found = {case: unique(case) for case in (*REFUSED, *ACCEPTED, "expired", "deleted")}
    found["long-name"] = (found["long-name"] + "-long" * 50)[:252] + "x"
    shared = unique("rows")
    apply(
        stored("Secret", shared, {"token": "wrong"}),
        stored("ConfigMap", shared, {"test.patch": "x"}),
        a_task(found["deleted"], make_shell_repository(found["deleted"]), environment={"draft": SLEEPY}),
        *(item for case, make in ACCEPTED.items() for item in make(found[case])),
        *a_row(found["expired"], commit="e" * 40, ttlSecondsAfterFinished=1),
        *(item for case, (make, _, _) in REFUSED.items() for item in make(found[case], shared)),
    )
    yield found
    delete(*found.values())
    reference = found["by-reference"]
    kubectl("delete", "secret", shared, f"{reference}-right", "-n", NAMESPACE, "--ignore-not-found")
    kubectl("delete", "configmap", shared, reference, "-n", NAMESPACE, "--ignore-not-found")


def builds_of(name: str) -> list[str]:
    """Phases of its build pods."""
    return [pod["status"]["phase"] for pod in pods_of(name) if "-build-" in pod["metadata"]["name"]]


def test_an_instance_deleted_in_the_middle_of_its_build_leaves_nothing(names):
    name = names["deleted"]
    wait_until(lambda: builds_of(name), lambda phases: phases == ["Running"])
    delete(name)
    wait_until(lambda: [get("ti", name), get("eb", name), pods_of(name)], lambda left: not any(left))


def test_a_suspended_instance_starts_nothing_until_it_is_resumed(names):
    name = names["suspended"]
    status = wait_until(
        lambda: get("ti", name).get("status", {}), lambda status: status.get("phase") == "Suspended"
    )
    assert condition(status, "Ready")["reason"] == "Suspended"
    assert pods_of(name) == []
    kubectl("patch", "ti", name, "-n", NAMESPACE, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    assert verdict_of(wait_until_finished(name)) == ("Validated", "fail2pass", "Fail2Pass")


def test_an_expired_instance_is_deleted_with_all_that_it_had(names):
    name = names["expired"]
    wait_until(lambda: [get("ti", name), get("eb", name), pods_of(name)], lambda left: not any(left))


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_row_says_what_is_wrong_and_what_to_do(names, case):
    _, reason, said = REFUSED[case]
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Failed", None, reason), condition(status, "Ready")
    assert said in condition(status, "Ready")["message"]
    assert condition(status, "Stalled")["status"] == "True"
    assert condition(status, "Validated")["status"] == "Unknown"
    wait_until(lambda: pods_of(names[case]), lambda pods: not pods)


@pytest.mark.parametrize(
    "case",
    ["by-reference", "odd-files", "long-name"],
)
def test_an_odd_row_is_taken_as_it_is_meant(names, case):
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), condition(status, "Ready")
    # What by-reference names comes after the row itself: how often it is missed hangs on who is quicker.
    assert case == "by-reference" or status["infraRetries"] <= 2
