"""A file of Git LFS that the tests read: fetched in intake, from the lab's git server."""

import hashlib
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest

from cluster.commands import LAB, ON_LAB
from cluster.sample_instances import (
    TINY_DOCKERFILE,
    Json,
    SampleRepository,
    a_task,
    apply,
    delete,
    make_repository,
    unique,
    verdict_of,
    wait_until_finished,
)
from swefoundry_lab.gitserver import lfs_path
from swefoundry_lab.layout import GIT_PORT

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB, reason="puts a file into the lab's git server"),
]

CONTENT = b"data of the tests\n" * 1000
OID = hashlib.sha256(CONTENT).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(CONTENT)}\n"


def a_repository(name: str) -> SampleRepository:
    files = {".gitattributes": "*.bin filter=lfs -text\n", "data.bin": POINTER, "fixed": "no\n"}
    check = "grep -q yes fixed && [ $(sha256sum < data.bin | cut -c1-64) = " + OID + " ]\n"
    return make_repository(name, files, {"check.sh": check}, {"fixed": "yes\n"})


@pytest.fixture(scope="module")
def status() -> Iterator[Json]:
    name = unique("lfs")
    repository = a_repository(name)
    served = repository.url.rpartition("/")[2]
    path = lfs_path(LAB / "git", served, OID)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    batch = f"http://127.0.0.1:{GIT_PORT}/{served}/info/lfs/objects/batch"
    if httpx.post(batch, json={"objects": []}, timeout=60).status_code != HTTPStatus.OK:
        pytest.skip("the git server of this lab was started by an older checkout: make lab-down lab-up")
    draft = {"dockerfile": TINY_DOCKERFILE, "testCommand": "sh check.sh"}
    task = a_task(name, repository, environment={"draft": draft})
    task["spec"]["source"]["git"]["lfs"] = True
    apply(task)
    yield wait_until_finished(name)
    delete(name)


def test_tests_read_the_file_and_not_its_pointer(status: Json) -> None:
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass")
