"""Two real intakes of one repository: the image of one with the layer of the other is a clean checkout of the other."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from swefoundry.contracts.checkout import CheckoutSpec
from swefoundry.contracts.intake import IntakeResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.oci.deterministic_tar import Directory, RegularFile, Symlink, TarNode
from swefoundry.programs.checkout.run import run_checkout
from unit.oci import layer_rules
from unit.programs.checkout.archive_files import apply_layer
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import git as run_git
from unit.programs.intake.repositories import writing


async def tree_of(harness: IntakeHarness, record: IntakeResult) -> dict[bytes, TarNode]:
    return {path: node for path, node, _ in layer_rules.entries(await harness.source(record))}


async def checked_out(harness: IntakeHarness, tmp_path: Path, old: IntakeResult, new: IntakeResult) -> bytes:
    assert old.source is not None and new.source is not None
    place = RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo)
    spec = CheckoutSpec(nonce="n", place=place, parent=old.source, source=new.source)
    record = await run_checkout(spec, harness.registry, tmp_path)
    assert record.layer is not None, record
    return await harness.registry.get_blob(harness.repo, record.layer.digest, record.layer.size)


def written(tree: Mapping[bytes, TarNode], root: Path) -> Path:
    for path, node in sorted(tree.items()):
        place = os.path.join(os.fsencode(root), path)
        match node:
            case Directory():
                os.makedirs(place, exist_ok=True)
            case Symlink(target):
                os.symlink(target, place)
            case RegularFile(content, executable):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                Path(os.fsdecode(place)).write_bytes(content)
                os.chmod(place, 0o755 if executable else 0o644)
    return root


def git(root: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
    }
    done = subprocess.run(
        ["git", "-c", f"safe.directory={root}", *arguments],
        cwd=root,
        capture_output=True,
        check=True,
        env=environment,
    )
    return done.stdout.decode()


async def test_git_sees_a_clean_checkout_of_the_new_commit_and_nothing_of_the_old(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    first = repository.commit(
        writing({"a.py": b"1\n", "gone/b.py": b"2\n", "secret.txt": b"only in the old\n", "x": b"3\n"})
    )
    run_git(repository.root, "tag", "v1.0")
    run_git(repository.root, "rm", "-q", "-r", "gone", "secret.txt")
    second = repository.commit(writing({"a.py": b"11\n", "new/c": b"4\n"}))
    run_git(repository.root, "tag", "v2.0")
    old = await harness.run_intake(harness.origin(repository, first))
    new = await harness.run_intake(harness.origin(repository, second))
    work = tmp_path / "work"
    work.mkdir()
    layer = await checked_out(harness, work, old, new)
    image = await tree_of(harness, old)
    image |= {
        b".git/ORIG_HEAD": RegularFile(b"1" * 40),
        b"build": Directory(),
        b"build/x.so": RegularFile(b"built"),
    }
    root = written(apply_layer(layer, image), tmp_path / "testbed")
    git(root, "fsck", "--strict", "--full")
    assert git(root, "status", "--porcelain") == "?? build/\n"
    assert git(root, "describe", "--tags").strip() == "v2.0"
    assert git(root, "log", "--all", "--format=%s").split() == ["Source"]
    objects = git(root, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    reachable = {line.split()[0] for line in git(root, "rev-list", "--all", "--objects").splitlines()}
    assert set(objects) - reachable <= {git(root, "rev-parse", "v2.0").strip()}
    assert not (root / ".git/ORIG_HEAD").exists()


async def test_laying_a_tree_over_itself_changes_nothing_but_git(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"a.py": b"1\n", "d/e": b"2\n"}))
    record = await harness.run_intake(harness.origin(repository, commit))
    layer = await checked_out(harness, tmp_path, record, record)
    names = {name for name, _, _ in layer_rules.entries(layer)}
    assert all(name == b"testbed/.git" or name.startswith(b"testbed/.git/") for name in names)
    tree = await tree_of(harness, record)
    assert apply_layer(layer, tree) == tree
