"""Builds in real pods: the image of a good build, and the record of each kind of failed build."""

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
    a_build_spec,
    a_pod,
    create,
    push_source,
    terminated_state,
    wait_until_terminated,
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
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not ON_LAB or not (LAB / "registry").exists(), reason="builds from the lab's images"),
]

RUN_ID = uuid4().hex[:8]
"""Part of the steps of this run, so that no layer of an earlier run is taken from the cache."""

BASE = "FROM busybox:stable\n"
SOURCE = "COPY . /testbed\n"
CACHE = f"swefoundry-tests/cache-{RUN_ID}"
CLOSED_PORT = "127.0.0.1:1"

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
GOOD_SPEC: Json = {
    "cache": CACHE,
    "build_args": {"PIP_INDEX_URL": "http://index.lab/simple", "HTTPS_PROXY": "http://proxy.lab:3128"},
    "ca_bundle": f"{CA_MOUNT}/ca.crt",
}

FAILING = {
    "syntax": BASE + SOURCE + "COPY missing.txt /x\n",
    "base": "FROM busybox:no-such-tag\n" + SOURCE,
    # buildah may miss the last output of a step that leaves a daemon running, so the step waits before it ends.
    "step": BASE + SOURCE + "RUN sleep 900 & (echo first; echo second) >&2; sleep 5; exit 125\n",
    "policy": BASE + SOURCE + "RUN git clone https://example.org/a/b\n",
}
HOSTILE = {
    "slow": BASE + SOURCE + "RUN echo started; trap '' TERM; sleep 900 & wait; sleep 900\n",
    "memory": BASE + SOURCE + "RUN dd if=/dev/zero of=/dev/null bs=1G count=1\n",
    "disk": BASE + SOURCE + "RUN dd if=/dev/zero of=/big bs=1M count=300; sleep 900\n",
    "deleted": BASE + SOURCE + "RUN echo started; sleep 900\n",
}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace that enforces the baseline pod security standard."""
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
    """PEM certificate of a private CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime.now(UTC)).not_valid_after(
        datetime.now(UTC) + timedelta(days=1)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
async def source() -> str:
    return await push_source(TREE)


@pytest.fixture(scope="module")
async def pods(namespace: str, source: str) -> None:
    """Pods of all builds that depend on no other build, started at the same time."""
    down = RegistryLocation(registry=CLOSED_PORT, insecure=True, repository="x")
    limits = {"slow": {"time_limit_seconds": 5}}
    specs = {
        name: a_build_spec(name, source, text, **limits.get(name, {}))
        for name, text in (FAILING | HOSTILE).items()
    }
    specs |= {
        "no-source": a_build_spec("no-source", "sha256:" + "0" * 64, BASE + SOURCE),
        "registry-down": a_build_spec("registry-down", source, BASE + SOURCE, place=down),
        "push": a_build_spec("no/tag", source, BASE + SOURCE),
        "no-spec": a_build_spec("no-spec", source, BASE + SOURCE),
    }
    bodies = {name: a_pod(namespace, name, spec) for name, spec in specs.items()}
    bodies["no-spec"]["spec"]["containers"][0]["env"][0]["value"] = "{}"
    small_disk = SETTINGS.model_copy(update={"build_storage": "100Mi"})
    bodies["disk"] = a_pod(namespace, "disk", specs["disk"], small_disk)
    good = a_build_spec("good", source, GOOD, **GOOD_SPEC)
    bodies["good"] = a_pod(namespace, "good", good, WITH_CERTIFICATES)
    bad = specs["policy"].model_copy(update={"ca_bundle": f"{CA_MOUNT}/ca.crt"})
    bodies["bad-ca"] = a_pod(
        namespace, "bad-ca", bad, SETTINGS.model_copy(update={"ca_config_map": "bad-ca"})
    )
    create(list(bodies.values()))


@pytest.fixture(scope="module")
async def cached_pods(namespace: str, source: str, pods: None) -> None:
    """Pods of builds that can use layers of the good build from the cache."""
    wait_until_terminated(namespace, "good")
    changed = await push_source(TREE | {"a.txt": b"other\n"})
    script = GOOD.replace("set -e\n", "set -e; echo another script\n")
    specs = {
        "again": a_build_spec("again", changed, GOOD, **GOOD_SPEC),
        "other": a_build_spec("other", source, script, **GOOD_SPEC),
    }
    create([a_pod(namespace, name, spec, WITH_CERTIFICATES) for name, spec in specs.items()])


def record_of(pod: Json) -> BuildResult:
    state = terminated_state(pod)
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


def final_state(pod: Json) -> PodResult | PodFault:
    found = read_pod(read_snapshot(pod), datetime.now(UTC), GracePeriods())
    assert isinstance(found, PodResult | PodFault)
    return found


@pytest.mark.usefixtures("pods")
class TestAGoodBuild:
    async def test_its_record_has_the_digest_of_the_image_in_the_registry(self, namespace: str) -> None:
        record = record_of(wait_until_terminated(namespace, "good"))
        async with RegistryClient(HOST, insecure=True) as registry:
            assert record.image == (await registry.get_manifest(LOCATION.repository, "good")).digest

    async def test_build_arguments_and_certificates_reach_every_step(self, namespace: str) -> None:
        log = await log_of(record_of(wait_until_terminated(namespace, "good")))
        assert "TOKEN of a certificate" in log
        assert "index http://index.lab/simple proxy http://proxy.lab:3128 http://proxy.lab:3128" in log

    async def test_the_configuration_of_the_image_contains_no_build_arguments(self, namespace: str) -> None:
        record = record_of(wait_until_terminated(namespace, "good"))
        assert record.image is not None
        config = await config_of(record.image)
        base = {name for name in config["config"]["Env"] if not name.startswith("PATH=")}
        assert base == set()
        assert "proxy.lab" not in json.dumps(config)

    async def test_the_whole_tree_is_copied_in_spite_of_its_dockerignore(self, namespace: str) -> None:
        log = await log_of(record_of(wait_until_terminated(namespace, "good")))
        assert "\n".join(f"/testbed/{name}" for name in sorted(TREE)) in log

    async def test_short_image_names_are_not_resolved_by_aliases(self, namespace: str) -> None:
        assert "as an alias" not in await log_of(record_of(wait_until_terminated(namespace, "good")))

    @pytest.mark.usefixtures("cached_pods")
    async def test_a_build_of_another_source_takes_the_dependencies_from_the_cache(
        self, namespace: str
    ) -> None:
        log = await log_of(record_of(wait_until_terminated(namespace, "again")))
        steps = re.findall(r"^\[2/2\] STEP \d/\d: (\w+).*\n(?:--> (Cache pulled|Using))?", log, re.MULTILINE)
        assert [keyword for keyword, reused in steps if reused] == ["ARG", "RUN"]
        assert [keyword for keyword, reused in steps if not reused] == ["FROM", "COPY", "COPY", "RUN"]

    @pytest.mark.usefixtures("cached_pods")
    async def test_a_changed_script_is_not_taken_from_the_cache(self, namespace: str) -> None:
        assert "\nanother script\n" in await log_of(record_of(wait_until_terminated(namespace, "other")))


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
                "`RUN sleep 900 & (echo first; echo second) >&2; sleep 5; exit 125` failed",
            ),
            ("policy", ExitCode.POLICY_REFUSED, "Line 3: `git clone` fetches a repository; "),
            ("no-source", ExitCode.SOURCE_MISMATCH, "There is nothing to build: the source sha256:0000"),
            ("registry-down", ExitCode.INFRASTRUCTURE, "The source could not be fetched: "),
            ("push", ExitCode.PUSH_FAILED, "The image was built but not pushed: "),
            ("bad-ca", ExitCode.INFRASTRUCTURE, "The certificates in /var/run/swefoundry/ca/ca.crt cannot be read: "),
            ("slow", ExitCode.BUILD_TIME_LIMIT, "The build took more than 5 s and was stopped."),
        ],
    )  # fmt: skip
    def test_its_record_has_the_exit_code_and_the_message(
        self, namespace: str, name: str, code: ExitCode, message: str
    ) -> None:
        record = record_of(wait_until_terminated(namespace, name))
        assert record.code == code
        assert record.message.startswith(message)
        assert record.image is None

    def test_the_record_has_the_last_output_of_the_failed_step(self, namespace: str) -> None:
        record = record_of(wait_until_terminated(namespace, "step"))
        assert (record.step_exit_code, record.tail) == (125, "first\nsecond")

    async def test_the_log_is_stored_in_the_registry(self, namespace: str) -> None:
        assert "first\nsecond\n" in await log_of(record_of(wait_until_terminated(namespace, "step")))

    def test_the_log_is_also_the_log_of_the_pod(self, namespace: str) -> None:
        wait_until_terminated(namespace, "step")
        assert "first\nsecond\n" in kubectl("-n", namespace, "logs", "step")

    def test_a_spec_that_cannot_be_read_leaves_a_record_that_names_the_fields(self, namespace: str) -> None:
        state = terminated_state(wait_until_terminated(namespace, "no-spec"))
        record = BuildResult.model_validate_json(state["message"])
        assert state["exitCode"] == record.code == ExitCode.INVALID_SPEC
        assert record.message.startswith(
            "SWEFOUNDRY_BUILD is not a valid build spec: nonce: Field required; "
        )


@pytest.mark.usefixtures("pods")
class TestAHostileBuild:
    def test_an_out_of_memory_kill_is_a_limit_and_not_a_failed_step(self, namespace: str) -> None:
        state = final_state(wait_until_terminated(namespace, "memory"))
        assert isinstance(state, PodFault)
        assert (state.category, state.reason) == (FaultCategory.LIMIT, "OOMKilled")

    def test_filling_the_disk_evicts_the_pod(self, namespace: str) -> None:
        assert terminated_state(wait_until_terminated(namespace, "disk"))["exitCode"] in (137, 143)
        evicted = "--for=jsonpath={.status.reason}=Evicted"
        kubectl("-n", namespace, "wait", evicted, "pod/disk", "--timeout=900s")
        state = final_state(wait_until_terminated(namespace, "disk"))
        assert isinstance(state, PodFault)
        assert (state.category, state.reason) == (FaultCategory.LIMIT, "EphemeralStorageExceeded")

    def test_a_deleted_pod_terminates_at_once_and_leaves_no_record(self, namespace: str) -> None:
        kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/deleted", "--timeout=900s")
        wait_until(lambda: kubectl("-n", namespace, "logs", "deleted"), lambda log: "\nstarted\n" in log)
        patch = json.dumps({"metadata": {"finalizers": ["swefoundry.dev/result"]}})
        kubectl("-n", namespace, "patch", "pod", "deleted", "--type=merge", "-p", patch)
        kubectl("-n", namespace, "delete", "pod", "deleted", "--wait=false")
        state = terminated_state(wait_until_terminated(namespace, "deleted"))
        kubectl(
            "-n", namespace, "patch", "pod", "deleted", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}'
        )
        assert (state["exitCode"], state.get("message")) == (143, None)
