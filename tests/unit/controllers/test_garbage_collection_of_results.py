"""What a status names outlives a registry's garbage collection, and namesakes that take its human tags."""

from pathlib import Path

from simulated.api_server import ApiServer
from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.seeded_registry import REPOSITORY, RegistryProxy, seed_registry
from simulated.stepping_operator import Simulation
from swefoundry.grading.verdict_bundle import VERDICT_FILE, VerdictBundle
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from unit.oci import registry_server
from unit.oci.collecting import collect_garbage, missing_digests, named, take_human_tags

NAME = "task-one"


async def test_what_a_status_names_outlives_garbage_collection_and_namesakes(
    server: ApiServer, tmp_path: Path
) -> None:
    with registry_server.serving(tmp_path) as running:
        async with RegistryClient(running.host, insecure=True) as registry:
            pods = ScriptedPods(await seed_registry(registry), probe_codes={"after-0": 1})
            server.create("taskinstances", "here", manifest(NAME))
            await Simulation(server, RegistryProxy(running.host, None), Kubelet(server, pods)).run()
            await take_human_tags(registry, REPOSITORY)
    collect_garbage(tmp_path)
    task, build = (server.get((kind, "here", NAME))["status"] for kind in ("taskinstances", "envbuilds"))
    with registry_server.serving(tmp_path) as running:
        async with RegistryClient(running.host, insecure=True) as registry:
            assert await missing_digests(registry, REPOSITORY, named([task, build])) == []
            files = await pull_artifact(registry, REPOSITORY, task["evidence"], 1 << 20)
            verdict = VerdictBundle.model_validate_json(files[VERDICT_FILE])
            assert len(verdict.stages) == 3
            assert await missing_digests(registry, REPOSITORY, named(verdict.to_json_dict())) == []
