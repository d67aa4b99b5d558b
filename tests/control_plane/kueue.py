"""Kueue beside a control plane of its own: the objects of its chart, its process, a queue with two places.

Kueue runs outside the cluster and with the rights of an administrator. The API server reaches its webhooks under the
name of their Service, which is one of type ExternalName, with the certificate that Kueue makes for that name.
"""

import asyncio
import base64
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from control_plane.api_client import PODS, Cluster, Json
from control_plane.operator_process import free_ports
from control_plane.own_control_plane import (
    DEFINITIONS,
    cancelled_tasks,
    create_namespace,
    leave_the_group_of_the_lab,
)
from swefoundry_lab import controlplane, daemons, gobuild
from swefoundry_lab.command import run
from swefoundry_lab.layout import Lab
from swefoundry_lab.versions import read_versions

RELEASE = "kueue"
SYSTEM = "kueue-system"
"""Kueue's namespace where it does not run in a pod."""
WEBHOOK_SERVICE: Json = {
    "metadata": {"name": "kueue-webhook-service"},
    "spec": {"type": "ExternalName", "externalName": "localhost"},
}
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
SECRETS = f"/api/v1/namespaces/{SYSTEM}/secrets"
SECRET = f"{SECRETS}/kueue-webhook-server-cert"
PATHS = {
    "CustomResourceDefinition": DEFINITIONS,
    "MutatingWebhookConfiguration": f"{WEBHOOKS}/mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": f"{WEBHOOKS}/validatingwebhookconfigurations",
    "Secret": SECRETS,
}
"""Kinds of the chart's objects that are needed outside a cluster, too."""

API = "/apis/kueue.x-k8s.io/v1beta2"
QUEUE = "tasks"
URGENT = "urgent"
PODS_AT_A_TIME = 2
AMPLE = {"cpu": "1000", "memory": "4Ti", "ephemeral-storage": "40Ti"}
"""Quota of all other resources that task pods request; Kueue does not admit a pod that requests one without a quota."""
READY_SECONDS = 120
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Kueue:
    """Kueue's process and objects."""

    plane: Lab
    cluster: Cluster
    webhook_port: int
    health_port: int
    collector_port: int

    @property
    def certificates(self) -> Path:
        return self.plane.etc / "kueue-certificates"

    async def install(self) -> None:
        """Create the chart's objects, and those that make its webhooks reachable here."""
        objects = list(chart_objects(self.plane))
        await self.cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": SYSTEM}})
        await self.cluster.request("POST", f"/api/v1/namespaces/{SYSTEM}/services", WEBHOOK_SERVICE)
        for each in objects:
            if path := PATHS.get(each["kind"]):
                for service in services_of(each):
                    service["port"] = self.webhook_port
                await self.cluster.request("POST", path, each)
        [text] = [each["data"] for each in objects if each["kind"] == "ConfigMap"]
        configuration = yaml.safe_load(text["controller_manager_config.yaml"])
        controlplane.write_if_changed(self._configuration, yaml.safe_dump(configuration | self._differences))

    @property
    def _configuration(self) -> Path:
        return self.plane.etc / "kueue.yaml"

    @property
    def _differences(self) -> Json:
        """What differs from the chart's configuration: ports, and what needs more of them."""
        return {
            "health": {"healthProbeBindAddress": f"127.0.0.1:{self.health_port}"},
            "webhook": {"port": self.webhook_port, "certDir": str(self.certificates)},
            "metrics": {"bindAddress": "0"},
            "leaderElection": {"leaderElect": False},
            "featureGates": {"VisibilityOnDemand": False},
        }

    async def start(self) -> None:
        """Start the process, and wait until its webhooks answer."""
        argv = (f"{self.plane.bin}/kueue", f"--config={self._configuration}", "--zap-log-level=2")
        daemons.ensure(self.plane, daemons.Daemon(RELEASE, argv))
        leave_the_group_of_the_lab(self.plane)
        async with asyncio.timeout(READY_SECONDS):
            await self._mount_certificates()
            while not await asyncio.to_thread(self._is_ready):
                assert daemons.is_alive(daemons.read_record(self.plane, RELEASE)), self.log_excerpt()
                await asyncio.sleep(PAUSE_SECONDS)

    def kill(self) -> None:
        """End the process as a crash does."""
        daemons.kill(self.plane, RELEASE)

    def log_excerpt(self) -> str:
        return daemons.log_excerpt(self.plane, RELEASE)

    def start_collector(self) -> None:
        """Start the garbage collector, which deletes the Workloads of pods that are gone."""
        whole = controlplane.controller_manager(self.plane)
        flags = ("--controllers=garbage-collector-controller", f"--secure-port={self.collector_port}")
        daemons.ensure(self.plane, replace(whole, argv=(*whole.argv, *flags)))
        leave_the_group_of_the_lab(self.plane)

    async def _mount_certificates(self) -> None:
        """Write the files of the Secret that Kueue fills, as a kubelet does for its pod."""
        if self.certificates.exists():
            return
        folder = self.certificates.with_suffix(".new")
        folder.mkdir(mode=0o700)
        for name, content in (await self._secret_content()).items():
            (folder / name).write_bytes(base64.b64decode(content))
        folder.rename(self.certificates)

    async def _secret_content(self) -> dict[str, str]:
        while True:
            if data := (await self.cluster.request("GET", SECRET)).get("data"):
                return dict(data)
            await asyncio.sleep(PAUSE_SECONDS)

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.health_port}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            return False

    async def create_queue(self, namespace: str) -> None:
        """A queue of a namespace that admits two pods at a time and prefers urgent ones."""
        quotas = {**AMPLE, "pods": str(PODS_AT_A_TIME)}
        resources = [{"name": name, "nominalQuota": quota} for name, quota in quotas.items()]
        group = {"coveredResources": list(quotas), "flavors": [{"name": "default", "resources": resources}]}
        spec: Json = {
            "namespaceSelector": {},
            "preemption": {"withinClusterQueue": "LowerPriority"},
            "resourceGroups": [group],
        }
        await self._create("resourceflavors", "ResourceFlavor", "default", {"spec": {}})
        await self._create("workloadpriorityclasses", "WorkloadPriorityClass", URGENT, {"value": 1000})
        await self._create("clusterqueues", "ClusterQueue", QUEUE, {"spec": spec})
        await self._create_local_queue(namespace)

    @asynccontextmanager
    async def urgent_pods(self, namespace: str) -> AsyncIterator[None]:
        """Take the whole quota with pods of a higher priority in a namespace, until the block ends."""
        await create_namespace(self.cluster, namespace)
        await self._create_local_queue(namespace)
        pods = PODS.format(namespace)
        for number in range(PODS_AT_A_TIME):
            await self.cluster.request("POST", pods, urgent_pod(f"urgent-{number}"))
        async with asyncio.timeout(READY_SECONDS):
            await self._wait_for_admission(pods)
        yield
        for number in range(PODS_AT_A_TIME):
            await self.cluster.request("DELETE", f"{pods}/urgent-{number}", {"gracePeriodSeconds": 0})

    async def _wait_for_admission(self, pods: str) -> None:
        while True:
            found = (await self.cluster.request("GET", pods))["items"]
            if not any(pod["spec"].get("schedulingGates") for pod in found):
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _create_local_queue(self, namespace: str) -> None:
        collection = f"namespaces/{namespace}/localqueues"
        await self._create(collection, "LocalQueue", QUEUE, {"spec": {"clusterQueue": QUEUE}})

    async def _create(self, collection: str, kind: str, name: str, fields: Json) -> None:
        head = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": name}}
        await self.cluster.request("POST", f"{API}/{collection}", head | fields)

    async def set_stop_policy(self, policy: str) -> None:
        """``None``, ``Hold`` (admitted pods run on) or ``HoldAndDrain`` (they are stopped)."""
        await self.cluster.request("PATCH", f"{API}/clusterqueues/{QUEUE}", {"spec": {"stopPolicy": policy}})


def chart_objects(plane: Lab) -> Iterator[Json]:
    """The objects of Kueue's own chart with its default values."""
    chart = gobuild.module_folder(read_versions().on_demand["kueue"]) / "charts/kueue"
    text = run([plane.bin / "helm", "template", RELEASE, chart, "--namespace", SYSTEM])
    return (each for each in yaml.safe_load_all(text) if each)


def urgent_pod(name: str) -> Json:
    """A pod of a higher priority for the queue."""
    tags = {"kueue.x-k8s.io/queue-name": QUEUE, "kueue.x-k8s.io/priority-class": URGENT}
    container = {"name": "urgent", "image": "example.org/urgent", "resources": {"requests": {"cpu": "1"}}}
    return {"metadata": {"name": name, "labels": tags}, "spec": {"containers": [container]}}


def services_of(manifest: Json) -> list[Json]:
    """The references to the webhooks' Service in a definition or a configuration of webhooks."""
    clients = [webhook["clientConfig"] for webhook in manifest.get("webhooks", [])]
    if conversion := manifest.get("spec", {}).get("conversion", {}).get("webhook"):
        clients.append(conversion["clientConfig"])
    return [client["service"] for client in clients]


@dataclass
class AdmittedPods:
    """The pods that Kueue has admitted, and those that it stopped, as the watch of one namespace shows them."""

    namespace: str
    current: set[str] = field(default_factory=set)
    """UIDs of pods without a gate that have not ended."""
    most: int = 0
    """The most that there were at a time."""
    stopped: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Reason -> UIDs of the pods that Kueue stopped for it."""

    async def follow(self, cluster: Cluster) -> None:
        """Follow the pods until cancelled."""
        async for event in cluster.watch(PODS.format(self.namespace)):
            self._observe(event["object"], event["type"] == "DELETED")

    def _observe(self, pod: Json, deleted: bool) -> None:
        uid, status = pod["metadata"]["uid"], pod["status"]
        ended = deleted or status.get("phase") in ("Succeeded", "Failed")
        if ended or pod["spec"].get("schedulingGates"):
            self.current.discard(uid)
        else:
            self.current.add(uid)
            self.most = max(self.most, len(self.current))
        for each in status.get("conditions", []):
            if each["type"] == "TerminationTarget" and each["status"] == "True":
                self.stopped[each["reason"]].add(uid)


@asynccontextmanager
async def running_kueue(
    plane: Lab, cluster: Cluster, namespace: str
) -> AsyncIterator[tuple[Kueue, AdmittedPods]]:
    """Build Kueue unless it is built, and run it with a queue for a namespace until the block ends."""
    component, lab = read_versions().on_demand["kueue"], Lab.from_environment()
    if not gobuild.is_built(lab, component):
        await asyncio.to_thread(gobuild.build, lab, component)
    kueue, admitted = Kueue(plane, cluster, *free_ports(3)), AdmittedPods(namespace)
    await kueue.install()
    kueue.start_collector()
    await kueue.start()
    await kueue.create_queue(namespace)
    async with cancelled_tasks() as tasks:
        tasks.create_task(admitted.follow(cluster))
        yield kueue, admitted
