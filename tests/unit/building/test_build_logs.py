"""The log of a build is in the registry, where nothing that cleans up removes it."""

from pathlib import Path

from swefoundry.building.build import Build
from swefoundry.building.buildah import Workplace
from swefoundry.building.logs import BuildLog
from swefoundry.domain.codes import Code
from swefoundry.domain.work import BuildOrder
from swefoundry.store.registry import Registry
from unit.store import registry_server
from unit.store.collecting import bare

REPO = "building/logs"


async def test_the_log_is_read_by_its_digest_and_named_by_a_tagged_manifest(tmp_path: Path) -> None:
    with registry_server.serving(tmp_path) as running:
        order = BuildOrder.model_validate(
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
        record = await Build(order, Workplace(tmp_path / "work"), BuildLog()).carry_out()
        assert (record.code, record.log is None) == (Code.POLICY_REFUSED, False)
        async with Registry(running.host, insecure=True) as registry:
            log = await registry.get_blob(REPO, record.log or "", 1 << 20)
            assert log.startswith(b"swefoundry: policy_refused: ")
            assert await bare(registry, REPO, [record.log or "none"]) == set()
