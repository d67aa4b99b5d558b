"""Manifest of the agent pod: it has the models' key, and time to store a paid answer after SIGTERM."""

import json

from swefoundry.api import labels
from swefoundry.contracts.agent import AgentSpec
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.settings import Settings
from swefoundry.workloads.agent.pod import agent_pod, model_key_file
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.volumes import ca_file

DIGEST = "sha256:" + "a" * 64
OWNER = Owner("EnvBuild", "here", "task-one", "uid-of-build", experiment="no-explorer")
ATTEMPT = AttemptRef(OWNER, Role.AGENT, "agent-2", 0, "nonce")


def an_agent_spec(settings):
    return AgentSpec(
        nonce="nonce",
        place=RegistryLocation(registry="registry:5000", repository="swefoundry/tasks/owner/name"),
        conversation="uid-of-build",
        repo="owner/name",
        source=DIGEST,
        facts=DIGEST,
        ladder=[Model(name="small")],
        key_file=model_key_file(settings),
        ca_file=ca_file(settings),
        time_limit_seconds=settings.agent_seconds,
    )


def a_pod(**fields):
    settings = Settings(operator_image="operator:1", **fields)
    return agent_pod(ATTEMPT, an_agent_spec(settings), settings)


def variables(pod):
    return {item["name"]: item["value"] for item in pod["spec"]["containers"][0]["env"]}


def test_the_whole_pod():
    pod = a_pod(llm_secret="models", llm_secret_key="token", registry_secret="creds", ca_config_map="ca")
    spec = variables(pod)["SWEFOUNDRY_AGENT"]
    assert json.loads(spec)["keyFile"] == "/var/run/swefoundry/llm/key"
    assert json.loads(spec)["caFile"] == "/var/run/swefoundry/ca/ca.crt"
    lost = [
        {
            "key": f"node.kubernetes.io/{taint}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 30,
        }
        for taint in ("not-ready", "unreachable")
    ]
    assert pod == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": ATTEMPT.pod_name,
            "namespace": "here",
            "finalizers": [labels.FINALIZER],
            "labels": {
                "app.kubernetes.io/managed-by": "swefoundry",
                "app.kubernetes.io/component": "agent",
                "swefoundry.dev/role": "agent",
                "swefoundry.dev/owner-kind": "envbuild",
                "swefoundry.dev/owner": "task-one",
                "swefoundry.dev/owner-uid": "uid-of-build",
                "swefoundry.dev/work": "agent-2",
                "swefoundry.dev/attempt": "0",
                "swefoundry.dev/experiment": "no-explorer",
            },
            "annotations": {"swefoundry.dev/nonce": "nonce"},
            "ownerReferences": [
                {
                    "apiVersion": "swefoundry.dev/v1alpha1",
                    "kind": "EnvBuild",
                    "name": "task-one",
                    "uid": "uid-of-build",
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 2700,
            "terminationGracePeriodSeconds": 120,
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "hostUsers": False,
            "serviceAccountName": "swefoundry-task",
            "imagePullSecrets": [{"name": "creds"}],
            "securityContext": {"fsGroup": 1000},
            "tolerations": lost,
            "affinity": {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 50,
                            "preference": {
                                "matchExpressions": [
                                    {"key": "nvidia.com/gpu.present", "operator": "DoesNotExist"},
                                    {"key": "amd.com/gpu.device-id", "operator": "DoesNotExist"},
                                    {"key": "cloud.google.com/gke-accelerator", "operator": "DoesNotExist"},
                                    {"key": "k8s.amazonaws.com/accelerator", "operator": "DoesNotExist"},
                                    {"key": "kubernetes.azure.com/accelerator", "operator": "DoesNotExist"},
                                ]
                            },
                        }
                    ]
                }
            },
            "containers": [
                {
                    "name": "agent",
                    "image": "operator:1",
                    "imagePullPolicy": "Always",
                    "command": ["swefoundry-agent"],
                    "env": [
                        {"name": "SWEFOUNDRY_AGENT", "value": spec},
                        {"name": "SSL_CERT_FILE", "value": "/var/run/swefoundry/ca/ca.crt"},
                        {"name": "SWEFOUNDRY_WORKDIR", "value": "/work"},
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                        "runAsUser": 1000,
                        "runAsGroup": 1000,
                        "runAsNonRoot": True,
                        "readOnlyRootFilesystem": True,
                    },
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "1Gi", "ephemeral-storage": "10Gi"},
                        "limits": {"memory": "1Gi", "ephemeral-storage": "10Gi"},
                    },
                    "terminationMessagePolicy": "File",
                    "volumeMounts": [
                        {"name": "work", "mountPath": "/work"},
                        {"name": "llm", "mountPath": "/var/run/swefoundry/llm", "readOnly": True},
                        {"name": "registry", "mountPath": "/var/run/swefoundry/registry", "readOnly": True},
                        {"name": "ca", "mountPath": "/var/run/swefoundry/ca", "readOnly": True},
                    ],
                }
            ],
            "volumes": [
                {"name": "work", "emptyDir": {"sizeLimit": "10Gi"}},
                {
                    "name": "llm",
                    "secret": {
                        "secretName": "models",
                        "items": [{"key": "token", "path": "key"}],
                        "optional": True,
                        "defaultMode": 0o440,
                    },
                },
                {
                    "name": "registry",
                    "secret": {
                        "secretName": "creds",
                        "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
                    },
                },
                {"name": "ca", "configMap": {"name": "ca"}},
            ],
        },
    }


def test_endpoints_without_a_key_need_no_secret():
    pod = a_pod()
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["work"]
    assert "keyFile" not in json.loads(variables(pod)["SWEFOUNDRY_AGENT"])


def test_the_registry_is_not_asked_through_a_proxy():
    proxy = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".cluster.local"}
    env = variables(a_pod(agent_env=proxy, registry_push="registry.lab:5000"))
    assert (env["HTTPS_PROXY"], env["NO_PROXY"]) == ("http://proxy:3128", ".cluster.local,registry.lab")
    assert "NO_PROXY" not in variables(a_pod(agent_env={"OTHER": "x"}))
