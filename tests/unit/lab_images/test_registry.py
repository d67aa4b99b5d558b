"""Publishing sends what a registry lacks, and a second time nothing: tried on the registry that the lab runs."""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.layer import pack_folder
from swefoundry_lab.images.layout import Layout, single_layer
from swefoundry_lab.images.registry import Registry
from unit.oci.registry_server import free_port


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("Debian's docker-registry is not installed")
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{address}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
    )
    process = subprocess.Popen([program, "serve", config], stderr=subprocess.DEVNULL)
    try:
        wait_until_it_answers(address)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_until_it_answers(address: str) -> None:
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://{address}/v2/").close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the registry does not start")


def an_image(tmp_path: Path) -> Layout:
    (tmp_path / "root").mkdir(parents=True)
    (tmp_path / "root" / "file").write_text("hello")
    layer = pack_folder(tmp_path / "root", tmp_path / "layer.gz")
    return single_layer(tmp_path / "layout", layer, {"Cmd": ["/file"]})


def test_what_is_published_is_there_under_every_name_and_sent_once(tmp_path: Path, address: str) -> None:
    image, registry = an_image(tmp_path), Registry(address)
    names = ("library/thing:1", "library/thing:latest", "other/place:x")
    assert registry.digest(names[0]) is None
    assert registry.publish(image, names)
    assert [registry.digest(name) for name in names] == [image.digest] * 3
    assert not registry.publish(image, names)


def test_a_name_that_stands_for_another_image_is_moved(tmp_path: Path, address: str) -> None:
    first, registry = an_image(tmp_path / "1"), Registry(address)
    registry.publish(first, ("library/thing:1",))
    (tmp_path / "2").mkdir()
    second = single_layer(tmp_path / "2" / "layout", pack_folder(tmp_path / "1", tmp_path / "2.gz"), {})
    assert registry.publish(second, ("library/thing:1",))
    assert registry.digest("library/thing:1") == second.digest


def test_an_image_of_the_registry_gets_another_tag(tmp_path: Path, address: str) -> None:
    image, registry = an_image(tmp_path), Registry(address)
    registry.publish(image, ("swefoundry/thing:key",))
    registry.tag("swefoundry/thing:key", "dev")
    assert registry.digest("swefoundry/thing:dev") == image.digest


def test_a_registry_that_is_not_there_is_named() -> None:
    with pytest.raises(LabError, match=r"127\.0\.0\.1:1 does not answer"):
        Registry("127.0.0.1:1").digest("library/thing:1")
