"""Manifests that must be refused, each one small slip away from a good one, and what the refusal must name.

Read by the unit tests (lint) and by the cluster tests (the real API server).
"""

from copy import deepcopy
from typing import Any, NamedTuple

Manifest = dict[str, Any]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA256 = "ab" * 32
DIGEST = f"sha256:{SHA256}"
PATCH = """\
--- a/src/adder.py
+++ b/src/adder.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
"""


class Absent:
    """Says that a field is taken away."""


def a_task(**changes: Any) -> Manifest:
    """A good TaskInstance, with some fields of its spec changed: dotted names with `__` for the dots."""
    spec: Manifest = {
        "instanceId": "acme__adder-7",
        "repo": "acme/adder",
        "baseCommit": COMMIT,
        "source": {"git": {"url": "https://git.example.org/acme/adder.git"}},
        "createdAt": "2023-06-01T00:00:00Z",
        "version": "1.4",
        "language": "python",
        "problemStatement": {"inline": "add() subtracts."},
        "goldPatch": {"inline": PATCH},
        "testPatch": {"configMapRef": {"name": "adder-7", "key": "test.patch"}},
        "environment": {
            "strategies": ["fixed", "recipe"],
            "draft": {
                "dockerfile": "FROM python:3.11-slim\nCOPY . /testbed\n",
                "testCommand": "pytest -q --junitxml=junit.xml {files}",
                "reports": ["junit.xml"],
            },
            "overrides": {"aptPackages": ["libxml2-dev"], "preInstall": ["make generated"]},
        },
        "validation": {"repeats": 3, "network": "Deny", "resources": {"cpu": "500m", "memory": "1Gi"}},
        "budget": {"rounds": 4},
        "ttlSecondsAfterFinished": 3600,
    }
    return _object("TaskInstance", "acme--adder-7", spec, changes)


def an_env_build(**changes: Any) -> Manifest:
    """A good EnvBuild, with some fields of its spec changed."""
    spec: Manifest = {
        "repo": "acme/adder",
        "source": {"artifact": {"digest": DIGEST}},
        "baseCommit": COMMIT,
        "facts": DIGEST,
        "acceptance": {"layers": {"before": _layer(), "after": _layer()}},
        "environment": {"strategies": ["recipe"]},
        "tag": "acme--adder-7",
    }
    return _object("EnvBuild", "acme--adder-7", spec, changes)


def _layer() -> Manifest:
    return {"digest": DIGEST, "size": 4096, "diffId": DIGEST}


def _object(kind: str, name: str, spec: Manifest, changes: Manifest) -> Manifest:
    manifest: Manifest = {"apiVersion": "swefoundry.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
    manifest["spec"] = deepcopy(spec)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = manifest["spec"]
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is Absent:
            del place[last]
        else:
            place[last] = value
    return manifest


class InvalidManifest(NamedTuple):
    """A manifest with one thing wrong."""

    what: str
    manifest: Manifest
    field: str
    """What both the server's refusal and lint's complaint must name."""


def _task(what: str, field: str, **changes: Any) -> InvalidManifest:
    return InvalidManifest(f"a TaskInstance {what}", a_task(**changes), field)


def _build(what: str, field: str, **changes: Any) -> InvalidManifest:
    return InvalidManifest(f"an EnvBuild {what}", an_env_build(**changes), field)


IDENTITY = (
    _task("without an instanceId", "spec.instanceId", instanceId=Absent),
    _task("with an empty instanceId", "spec.instanceId", instanceId=""),
    _task("with a slash in its instanceId", "spec.instanceId", instanceId="acme/adder-7"),
    _task("with a number for an instanceId", "spec.instanceId", instanceId=7),
    _task("with an instanceId of 201 characters", "spec.instanceId", instanceId="a" * 201),
    _task("without a repo", "spec.repo", repo=Absent),
    _task("with a repo without an owner", "spec.repo", repo="adder"),
    _task("with a URL for a repo", "spec.repo", repo="https://git.example.org/acme/adder"),
    _task("with a repo that climbs out of its folder", "spec.repo", repo="../etc"),
    _task("without a commit for the default source", "spec.baseCommit", baseCommit=Absent, source=Absent),
    _task("without a commit for a git source", "spec.baseCommit", baseCommit=Absent),
    _task("with an abbreviated commit", "spec.baseCommit", baseCommit="0123456"),
    _task("with a branch for a commit", "spec.baseCommit", baseCommit="main"),
    _task("with an upper-case commit", "spec.baseCommit", baseCommit=COMMIT.upper()),
    _task("with a commit of digits without quotes", "spec.baseCommit", baseCommit=10**39),
    _task("with a date without a time", "spec.createdAt", createdAt="2023-06-01"),
    _task("with a time without a zone", "spec.createdAt", createdAt="2023-06-01T00:00:00"),
    _task("with a date in words", "spec.createdAt", createdAt="last June"),
    _task("with a version without quotes", "spec.version", version=1.4),
    _task("with a space in its version", "spec.version", version="1.4 final"),
    _task("with an upper-case language", "spec.language", language="Python"),
)

SOURCES = (
    _task("with an empty source", "spec.source", source={}),
    _task("with a text for a source", "spec.source", source="https://git.example.org/acme/adder.git"),
    _task("with two sources", "spec.source", source__artifact={"digest": DIGEST}),
    _task("with an ssh URL", "spec.source.git.url", source__git__url="git@git.example.org:acme/adder.git"),
    _task("with a local path for a URL", "spec.source.git.url", source__git__url="file:///srv/git/adder.git"),
    _task("with a space in its URL", "spec.source.git.url", source__git__url="https://git.example.org/a b"),
    _task(
        "with a password in its URL",
        "spec.source.git.url",
        source__git__url="https://u:secret@git.example.org/a",
    ),
    _task(
        "with a token's secret but no key",
        "spec.source.git.tokenSecretRef.key",
        source__git__tokenSecretRef={"name": "t"},
    ),
    _task(
        "with a secret's name in capitals",
        "spec.source.git.tokenSecretRef.name",
        source__git__tokenSecretRef={"name": "Token", "key": "token"},
    ),
    _task(
        "with an archive without its sha256",
        "spec.source.archive.sha256",
        source={"archive": {"url": "https://files.example.org/adder.tar.gz"}},
    ),
    _task(
        "with a short sha256",
        "spec.source.archive.sha256",
        source={"archive": {"url": "https://files.example.org/adder.tar.gz", "sha256": "abcd"}},
    ),
    _task(
        "with an archive's sha256 in the form of a digest",
        "spec.source.archive.sha256",
        source={"archive": {"url": "https://files.example.org/adder.tar.gz", "sha256": DIGEST}},
    ),
    _task(
        "with a negative number of components",
        "spec.source.archive.stripComponents",
        source={
            "archive": {"url": "https://files.example.org/a.tgz", "sha256": SHA256, "stripComponents": -1}
        },
    ),
    _task(
        "with a number in quotes",
        "spec.source.archive.stripComponents",
        source={
            "archive": {"url": "https://files.example.org/a.tgz", "sha256": SHA256, "stripComponents": "1"}
        },
    ),
    _task(
        "with a tag for an artifact", "spec.source.artifact.digest", source={"artifact": {"digest": "latest"}}
    ),
)

PATCHES = (
    _task("without a gold patch", "spec.goldPatch", goldPatch=Absent),
    _task("with an empty gold patch", "spec.goldPatch", goldPatch={}),
    _task("with a text for a gold patch", "spec.goldPatch", goldPatch=PATCH),
    _task("with a gold patch of no characters", "spec.goldPatch.inline", goldPatch__inline=""),
    _task("with two gold patches", "spec.goldPatch", goldPatch__artifact=DIGEST),
    _task("with a gold patch of 65537 characters", "spec.goldPatch.inline", goldPatch__inline="x" * 65537),
    _task("without a test patch", "spec.testPatch", testPatch=Absent),
    _task(
        "with a slash in a key", "spec.testPatch.configMapRef.key", testPatch__configMapRef__key="a/b.patch"
    ),
    _task(
        "with a file name for an artifact", "spec.testPatch.artifact", testPatch={"artifact": "test.patch"}
    ),
    _task("with a text for a problem statement", "spec.problemStatement", problemStatement="It is broken."),
    _task(
        "with two problem statements",
        "spec.problemStatement",
        problemStatement__configMapRef={"name": "a", "key": "b"},
    ),
)

UNKNOWN = (
    _task("with a field in lower case", "spec.goldpatch", goldpatch={"inline": PATCH}),
    _task("with a field in snake case", "spec.base_commit", base_commit=COMMIT),
    _task("with a field a level too high", "spec.strategies", strategies=["recipe"]),
    _task(
        "with a misspelt field far below",
        "spec.environment.draft.testComand",
        environment__draft__testComand="pytest",
    ),
)

POD_TEMPLATES = (
    _task(
        "with a label of swefoundry's own",
        "spec.podTemplate.labels",
        podTemplate={"labels": {"swefoundry.dev/role": "agent"}},
    ),
    _task(
        "with an annotation of swefoundry's own",
        "spec.podTemplate.annotations",
        podTemplate={"annotations": {"swefoundry.dev/nonce": "x"}},
    ),
    _task(
        "with a space in a label",
        "spec.podTemplate.labels.team",
        podTemplate={"labels": {"team": "data science"}},
    ),
    _task(
        "with an effect of a taint that is not known",
        "spec.podTemplate.tolerations[0].effect",
        podTemplate={"tolerations": [{"key": "gpu", "effect": "NoRun"}]},
    ),
    _task(
        "with a field of a pod that may not be set",
        "spec.podTemplate.hostNetwork",
        podTemplate={"hostNetwork": True},
    ),
    _build(
        "with a label of swefoundry's own",
        "spec.podTemplate.labels",
        podTemplate={"labels": {"app.kubernetes.io/managed-by": "me"}},
    ),
)

ENVIRONMENTS = (
    _task(
        "with a strategy that is not known",
        "spec.environment.strategies[1]",
        environment__strategies=["fixed", "magic"],
    ),
    _task("with a strategy twice", "spec.environment.strategies", environment__strategies=["fixed", "fixed"]),
    _task("with one strategy outside a list", "spec.environment.strategies", environment__strategies="fixed"),
    _task("with the strategy fixed and no draft", "spec.environment.draft", environment__draft=Absent),
    _task(
        "with a draft that no strategy uses",
        "spec.environment.strategies",
        environment__strategies=["recipe"],
    ),
    _task(
        "with a draft without a Dockerfile",
        "spec.environment.draft.dockerfile",
        environment__draft__dockerfile=Absent,
    ),
    _task(
        "with a draft without a test command",
        "spec.environment.draft.testCommand",
        environment__draft__testCommand=Absent,
    ),
    _task(
        "with a report outside /testbed",
        "spec.environment.draft.reports[0]",
        environment__draft__reports=["/tmp/junit.xml"],
    ),
    _task(
        "with success among its error codes",
        "spec.environment.draft.errorExitCodes[0]",
        environment__draft__errorExitCodes=[0],
    ),
    _task(
        "with an error code over 255",
        "spec.environment.draft.errorExitCodes[1]",
        environment__draft__errorExitCodes=[2, 256],
    ),
    _task(
        "with a command for a package",
        "spec.environment.overrides.aptPackages[0]",
        environment__overrides__aptPackages=["curl; reboot"],
    ),
    _task(
        "with 129 packages",
        "spec.environment.overrides.aptPackages",
        environment__overrides__aptPackages=[f"p{number}" for number in range(129)],
    ),
    _task(
        "with two lines for a base image",
        "spec.environment.overrides.baseImage",
        environment__overrides__baseImage="python:3.11\nRUN id",
    ),
    _task(
        "with a parent that no strategy uses",
        "spec.environment.strategies",
        environment__parentRef={"name": "acme--adder-6"},
    ),
    _task(
        "with a parent without a name",
        "spec.environment.parentRef.name",
        environment__strategies=["fixed", "reuse"],
        environment__parentRef={},
    ),
    _task(
        "without something that is always there",
        "spec.environment.ablations[0]",
        environment__ablations=["NoTests"],
    ),
    _task(
        "without the same thing twice",
        "spec.environment.ablations",
        environment__ablations=["NoExplorer", "NoExplorer"],
    ),
)

LIMITS = (
    _task("with no repeat", "spec.validation.repeats", validation__repeats=0),
    _task("with more repeats at least than at most", "spec.validation.minRepeats", validation__minRepeats=4),
    _task("with 21 repeats", "spec.validation.repeats", validation__repeats=21),
    _task("with a network policy in lower case", "spec.validation.network", validation__network="deny"),
    _task("with no time", "spec.validation.timeoutSeconds", validation__timeoutSeconds=0),
    _task("with a unit in its time", "spec.validation.timeoutSeconds", validation__timeoutSeconds="30m"),
    _task(
        "with memory without a unit", "spec.validation.resources.memory", validation__resources__memory="2048"
    ),
    _task("with memory in GB", "spec.validation.resources.memory", validation__resources__memory="2GB"),
    _task("with a CPU in words", "spec.validation.resources.cpu", validation__resources__cpu="two"),
    _task("with a CPU without quotes", "spec.validation.resources.cpu", validation__resources__cpu=2),
    _task("with no round", "spec.budget.rounds", budget__rounds=0),
    _task("with ten pod-seconds", "spec.budget.podSeconds", budget__podSeconds=10),
    _task("with ten seconds in all", "spec.budget.wallSeconds", budget__wallSeconds=10),
    _task("with roles that may not speak", "spec.budget.turnsPerRole", budget__turnsPerRole=0),
    _task("with fewer than no tokens", "spec.budget.llmTokens", budget__llmTokens=-1),
    _task("with dollars without quotes", "spec.budget.llmUsd", budget__llmUsd=0.5),
    _task("with a currency", "spec.budget.llmUsd", budget__llmUsd="$1"),
    _task("with a comma in its dollars", "spec.budget.llmUsd", budget__llmUsd="0,50"),
    _task("with seven decimals of a dollar", "spec.budget.llmUsd", budget__llmUsd="0.0000001"),
    _task("with a word for a switch", "spec.suspend", suspend="yes"),
    _task("that is deleted before it ends", "spec.ttlSecondsAfterFinished", ttlSecondsAfterFinished=-1),
)

ENV_BUILDS = (
    _build("without a source", "spec.source", source=Absent),
    _build(
        "of git without a commit",
        "spec.baseCommit",
        baseCommit=Absent,
        source={"git": {"url": "https://git.example.org/acme/adder.git"}},
    ),
    _build("without a layer for after", "spec.acceptance.layers", acceptance__layers__after=Absent),
    _build(
        "with a stage that is not known", "spec.acceptance.layers.later", acceptance__layers__later=_layer()
    ),
    _build(
        "with a layer without a size",
        "spec.acceptance.layers.before.size",
        acceptance__layers__before__size=Absent,
    ),
    _build("with a slash in its tag", "spec.tag", tag="acme/adder"),
)

REFUSED = IDENTITY + SOURCES + PATCHES + UNKNOWN + POD_TEMPLATES + ENVIRONMENTS + LIMITS + ENV_BUILDS

STALLED = (
    _task(
        "with a ConfigMap that does not exist",
        "spec.testPatch.configMapRef",
        testPatch={"configMapRef": {"name": "nobody-made-this", "key": "test.patch"}},
    ),
    _task(
        "with a Secret that does not exist",
        "spec.source.git.tokenSecretRef",
        source__git__tokenSecretRef={"name": "nobody-made-this", "key": "token"},
    ),
    _task("with a patch that is no patch", "spec.goldPatch", goldPatch={"inline": "please fix it\n"}),
    _task(
        "with an artifact that the registry does not have",
        "spec.source.artifact",
        source={"artifact": {"digest": DIGEST}},
    ),
)
"""Only the operator can find these out: the server accepts them, and they end `Stalled` with the field named."""
