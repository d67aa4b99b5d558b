"""The log of a build is in the registry, where nothing that cleans up removes it."""

from pathlib import Path

from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.build.buildah import BuildDirs
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.run import BuildRun
from unit.oci import registry_server
from unit.oci.collecting import bare

REPO = "building/logs"


async def test_the_log_is_read_by_its_digest_and_named_by_a_tagged_manifest(tmp_path: Path) -> None:
    with registry_server.serving(tmp_path) as running:
        spec = BuildSpec.model_validate(
            {
                "nonce": "n",
                "place": {"registry": running.host, "insecure": True, "repository": REPO},
                "source": "sha256:" + "0" * 64,
                "draft": {"dockerfile": "FROM nowhere/base\n", "testCommand": "true"},
                "tag": "t",
                "timeLimitSeconds": 1,
                "allowedBases": ["python:*"],
            }
        )
        record = await BuildRun(spec, BuildDirs(tmp_path / "work"), BuildLog()).run()
        assert (record.code, record.log is None) == (ExitCode.POLICY_REFUSED, False)
        async with RegistryClient(running.host, insecure=True) as registry:
            log = await registry.get_blob(REPO, record.log or "", 1 << 20)
            assert log.startswith(b"swefoundry: policy_refused: ")
            assert await bare(registry, REPO, [record.log or "none"]) == set()
