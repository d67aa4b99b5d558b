"""Builds in real pods: what comes out, and what is said of each way in which nothing comes out."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.build_pods import (
    HOST,
    LOCATION,
    NONCE,
    SETTINGS,
    TREE,
    Json,
    a_build_order,
    a_pod,
    create,
    push_source,
    terminated,
    wait_until_ended,
)
from cluster.commands import LAB, ON_LAB, kubectl
from cluster.sample_instances import wait_until
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod
from swefoundry.workloads.volumes import CA_MOUNT

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not ON_LAB or not (LAB / "registry").exists(), reason="builds from the lab's images"),
]

RUN_ID = uuid4().hex[:8]
"""Makes steps of this run unlike those of earlier ones, whose layers are in the cache."""

BASE = "FROM busybox:stable\n"
SOURCE = "COPY . /testbed\n"
CACHE = f"swefoundry-tests/cache-{RUN_ID}"
NOWHERE = "127.0.0.1:1"

GOOD = f"""# syntax=docker/dockerfile:1
FROM busybox:stable AS tools
RUN <<EOF
set -e
echo made in {RUN_ID} > /tool
EOF
FROM busybox:stable
RUN --mount=type=cache,target=/cache echo "dependencies of {RUN_ID}" | tee /deps /cache/x
{SOURCE}COPY --from=tools /tool /usr/tool
RUN grep TOKEN $PIP_CERT && echo "index $PIP_INDEX_URL proxy $HTTPS_PROXY $https_proxy" && find /testbed -type f | sort
"""
WITH_CERTIFICATES = SETTINGS.model_copy(update={"ca_config_map": "ca"})
GOOD_ORDER: Json = {
    "cache": CACHE,
    "build_args": {"PIP_INDEX_URL": "http://index.lab/simple", "HTTPS_PROXY": "http://proxy.lab:3128"},
    "ca_bundle": f"{CA_MOUNT}/ca.crt",
}

FAILING = {
    "syntax": BASE + SOURCE + "COPY missing.txt /x\n",
    "base": "FROM busybox:no-such-tag\n" + SOURCE,
    # With a daemon left behind, buildah does not read a step's output to its end: it is given a moment.
    "step": BASE + SOURCE + "RUN sleep 900 & (echo telling; echo words) >&2; sleep 5; exit 125\n",
    "policy": BASE + SOURCE + "RUN git clone https://example.org/a/b\n",
}
HOSTILE = {
    "slow": BASE + SOURCE + "RUN echo patience; trap '' TERM; sleep 900 & wait; sleep 900\n",
    "memory": BASE + SOURCE + "RUN dd if=/dev/zero of=/dev/null bs=1G count=1\n",
    "disk": BASE + SOURCE + "RUN dd if=/dev/zero of=/big bs=1M count=300; sleep 900\n",
    "deleted": BASE + SOURCE + "RUN echo started; sleep 900\n",
}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace in which privileged pods are refused."""
    name = f"building-{RUN_ID}"
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    kubectl("create", "-f", "-", stdin=json.dumps(body))
    kubectl(
        "-n",
        name,
        "create",
        "configmap",
        "ca",
        f"--from-literal=ca.crt=TOKEN of a certificate\n{a_certificate()}",
    )
    kubectl("-n", name, "create", "configmap", "bad-ca", "--from-literal=ca.crt=no certificate")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def a_certificate() -> str:
    """Somebody's own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.now(UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
async def source() -> str:
    return await push_source(TREE)


@pytest.fixture(scope="module")
async def pods(namespace: str, source: str) -> None:
    """Every build that needs no other to be over, all at once: most of their time is waiting."""
    down = RegistryLocation(registry=NOWHERE, insecure=True, repository="x")
    limits = {"slow": {"time_limit_seconds": 5}}
    orders = {
        name: a_build_order(name, source, text, **limits.get(name, {}))
        for name, text in (FAILING | HOSTILE).items()
    }
    orders |= {
        "no-source": a_build_order("no-source", "sha256:" + "0" * 64, BASE + SOURCE),
        "registry-down": a_build_order("registry-down", source, BASE + SOURCE, place=down),
        "push": a_build_order("no/tag", source, BASE + SOURCE),
        "no-order": a_build_order("no-order", source, BASE + SOURCE),
    }
    bodies = {name: a_pod(namespace, name, order) for name, order in orders.items()}
    bodies["no-order"]["spec"]["containers"][0]["env"][0]["value"] = "{}"
    small = SETTINGS.model_copy(update={"build_storage": "100Mi"})
    bodies["disk"] = a_pod(namespace, "disk", orders["disk"], small)
    good = a_build_order("good", source, GOOD, **GOOD_ORDER)
    bodies["good"] = a_pod(namespace, "good", good, WITH_CERTIFICATES)
    bad = orders["policy"].model_copy(update={"ca_bundle": f"{CA_MOUNT}/ca.crt"})
    bodies["bad-ca"] = a_pod(
        namespace, "bad-ca", bad, SETTINGS.model_copy(update={"ca_config_map": "bad-ca"})
    )
    create(list(bodies.values()))


@pytest.fixture(scope="module")
async def later_pods(namespace: str, source: str, pods: None) -> None:
    """Builds that find what the good one left in the cache."""
    wait_until_ended(namespace, "good")
    changed = await push_source(TREE | {"a.txt": b"other\n"})
    script = GOOD.replace("set -e\n", "set -e; echo another script\n")
    orders = {
        "again": a_build_order("again", changed, GOOD, **GOOD_ORDER),
        "other": a_build_order("other", source, script, **GOOD_ORDER),
    }
    create([a_pod(namespace, name, order, WITH_CERTIFICATES) for name, order in orders.items()])


def record_of(pod: Json) -> BuildResult:
    state = terminated(pod)
    record = BuildResult.model_validate_json(state["message"])
    assert (record.nonce, record.code) == (NONCE, state["exitCode"])
    return record


async def log_of(record: BuildResult) -> str:
    assert record.log is not None
    async with RegistryClient(HOST, insecure=True) as registry:
        return (await registry.get_blob(LOCATION.repository, record.log, 1 << 22)).decode()


async def config_of(image: str) -> Json:
    async with RegistryClient(HOST, insecure=True) as registry:
        manifest = await registry.get_manifest(LOCATION.repository, image)
        found = await registry.get_blob(LOCATION.repository, manifest.content["config"]["digest"], 1 << 20)
        config: Json = json.loads(found)
        return config


def reading(pod: Json) -> PodResult | PodFault:
    found = read_pod(read_snapshot(pod), datetime.now(UTC), GracePeriods())
    assert isinstance(found, PodResult | PodFault)
    return found


@pytest.mark.usefixtures("pods")
class TestAGoodBuild:
    async def test_the_record_s_digest_is_the_registry_s(self, namespace: str) -> None:
        record = record_of(wait_until_ended(namespace, "good"))
        async with RegistryClient(HOST, insecure=True) as registry:
            assert record.image == (await registry.get_manifest(LOCATION.repository, "good")).digest

    async def test_settings_reach_every_step(self, namespace: str) -> None:
        log = await log_of(record_of(wait_until_ended(namespace, "good")))
        assert "TOKEN of a certificate" in log
        assert "index http://index.lab/simple proxy http://proxy.lab:3128 http://proxy.lab:3128" in log

    async def test_the_image_s_configuration_shows_none_of_them(self, namespace: str) -> None:
        record = record_of(wait_until_ended(namespace, "good"))
        assert record.image is not None
        config = await config_of(record.image)
        base = {name for name in config["config"]["Env"] if not name.startswith("PATH=")}
        assert base == set()
        assert "proxy.lab" not in json.dumps(config)

    async def test_the_whole_tree_arrives_whatever_its_dockerignore_says(self, namespace: str) -> None:
        log = await log_of(record_of(wait_until_ended(namespace, "good")))
        assert "\n".join(f"/testbed/{name}" for name in sorted(TREE)) in log

    async def test_short_names_have_no_aliases(self, namespace: str) -> None:
        assert "as an alias" not in await log_of(record_of(wait_until_ended(namespace, "good")))

    @pytest.mark.usefixtures("later_pods")
    async def test_another_source_finds_the_dependencies_in_the_cache(self, namespace: str) -> None:
        log = await log_of(record_of(wait_until_ended(namespace, "again")))
        steps = re.findall(r"^\[2/2\] STEP \d/\d: (\w+).*\n(?:--> (Cache pulled|Using))?", log, re.MULTILINE)
        assert [keyword for keyword, reused in steps if reused] == ["ARG", "RUN"]
        assert [keyword for keyword, reused in steps if not reused] == ["FROM", "COPY", "COPY", "RUN"]

    @pytest.mark.usefixtures("later_pods")
    async def test_another_script_is_not_taken_from_the_cache(self, namespace: str) -> None:
        assert "\nanother script\n" in await log_of(record_of(wait_until_ended(namespace, "other")))


@pytest.mark.usefixtures("pods")
class TestAFailedBuild:
    @pytest.mark.parametrize(
        ("name", "code", "message"),
        [
            ("syntax", ExitCode.DOCKERFILE_INVALID, 'The Dockerfile is not valid: building at STEP "COPY missing.txt'),
            ("base", ExitCode.BASE_IMAGE_MISSING, "A base image cannot be pulled: "),
            (
                "step",
                ExitCode.STEP_FAILED,
                "`RUN sleep 900 & (echo telling; echo words) >&2; sleep 5; exit 125` failed",
            ),
            ("policy", ExitCode.POLICY_REFUSED, "Line 3: `git clone` fetches a repository; "),
            ("no-source", ExitCode.SOURCE_MISMATCH, "There is nothing to build: the source sha256:0000"),
            ("registry-down", ExitCode.INFRASTRUCTURE, "The source could not be fetched: "),
            ("push", ExitCode.PUSH_FAILED, "The image was built but not pushed: "),
            ("bad-ca", ExitCode.INFRASTRUCTURE, "The certificates in /var/run/swefoundry/ca/ca.crt cannot be read: "),
            ("slow", ExitCode.BUILD_TIME_LIMIT, "The build took more than 5 s and was stopped."),
        ],
    )  # fmt: skip
    def test_its_record_says_why(self, namespace: str, name: str, code: ExitCode, message: str) -> None:
        record = record_of(wait_until_ended(namespace, name))
        assert record.code == code
        assert record.message.startswith(message)
        assert record.image is None

    def test_the_failing_step_s_words_are_kept(self, namespace: str) -> None:
        record = record_of(wait_until_ended(namespace, "step"))
        assert (record.step_exit_code, record.tail) == (125, "telling\nwords")

    async def test_the_log_is_kept(self, namespace: str) -> None:
        assert "telling\nwords\n" in await log_of(record_of(wait_until_ended(namespace, "step")))

    def test_the_log_is_printed_too(self, namespace: str) -> None:
        wait_until_ended(namespace, "step")
        assert "telling\nwords\n" in kubectl("-n", namespace, "logs", "step")

    def test_a_spec_that_cannot_be_read_leaves_a_record_that_names_the_fields(self, namespace: str) -> None:
        state = terminated(wait_until_ended(namespace, "no-order"))
        record = BuildResult.model_validate_json(state["message"])
        assert state["exitCode"] == record.code == ExitCode.INVALID_SPEC
        assert record.message.startswith("SWEFOUNDRY_BUILD is no build spec: nonce: Field required; ")


@pytest.mark.usefixtures("pods")
class TestAHostileBuild:
    def test_eating_memory_is_a_limit_not_a_failed_step(self, namespace: str) -> None:
        seen = reading(wait_until_ended(namespace, "memory"))
        assert isinstance(seen, PodFault)
        assert (seen.category, seen.reason) == (FaultCategory.LIMIT, "OOMKilled")

    def test_filling_the_disk_evicts_the_pod(self, namespace: str) -> None:
        assert terminated(wait_until_ended(namespace, "disk"))["exitCode"] in (137, 143)
        evicted = "--for=jsonpath={.status.reason}=Evicted"
        kubectl("-n", namespace, "wait", evicted, "pod/disk", "--timeout=600s")
        seen = reading(wait_until_ended(namespace, "disk"))
        assert isinstance(seen, PodFault)
        assert (seen.category, seen.reason) == (FaultCategory.LIMIT, "EphemeralStorageExceeded")

    def test_a_deleted_pod_ends_at_once_and_leaves_no_record(self, namespace: str) -> None:
        kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/deleted", "--timeout=600s")
        wait_until(lambda: kubectl("-n", namespace, "logs", "deleted"), lambda log: "\nstarted\n" in log)
        patch = json.dumps({"metadata": {"finalizers": ["swefoundry.dev/result"]}})
        kubectl("-n", namespace, "patch", "pod", "deleted", "--type=merge", "-p", patch)
        kubectl("-n", namespace, "delete", "pod", "deleted", "--wait=false")
        state = terminated(wait_until_ended(namespace, "deleted"))
        kubectl(
            "-n", namespace, "patch", "pod", "deleted", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}'
        )
        assert (state["exitCode"], state.get("message")) == (143, None)
