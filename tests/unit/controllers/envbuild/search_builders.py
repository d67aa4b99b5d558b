"""EnvBuilds of one repository in a cache, as raw objects."""

from builders import digest
from swefoundry.api import labels
from swefoundry.api.resource import parse_env_build
from swefoundry.kube.workqueue import Key

REUSES = {"strategies": ["reuse", "recipe"]}
OLD = {"layout": "flat", "createdAt": "2018-01-01T00:00:00Z"}
NEW = {"layout": "src", "createdAt": "2023-01-01T00:00:00Z"}
IMAGE = digest("c")


def key_of(name):
    return Key("EnvBuild", "here", name)


def body_of(name, second=0, status=None, environment=REUSES, repo="owner/name", version=1, **meta):
    """An EnvBuild that was created ``second`` seconds after noon."""
    return {
        "apiVersion": labels.API_VERSION,
        "kind": "EnvBuild",
        "metadata": {
            "namespace": "here",
            "name": name,
            "uid": f"uid-of-{name}",
            "resourceVersion": str(version),
            "creationTimestamp": f"2026-01-01T12:00:{second:02d}Z",
        }
        | meta,
        "spec": {"repo": repo, "source": {"artifact": {"digest": digest("a")}}, "environment": environment},
        "status": status or {},
    }


def put(cache, name, second=0, status=None, **fields):
    """Put an EnvBuild into a cache."""
    body = body_of(name, second, status, **fields)
    cache.put(body)
    return parse_env_build(body)


def a_round(**fields):
    return {"number": 1, "strategy": "recipe", "draft": digest("d")} | fields


def a_trial(outcome=None, image=IMAGE):
    """A round that reuses an image."""
    fields = {"strategy": "reuse", "parent": {"image": image, "source": digest("a")}}
    return a_round(**fields, **({"outcome": outcome} if outcome else {}))


def a_search(group=NEW, *rounds, ended=False):
    """The status of a search."""
    finished = {"finishedAt": "2026-01-01T12:30:00Z"} if ended else {}
    return {"environmentGroup": group, "rounds": list(rounds)} | finished


def failed(times):
    """Rounds of drafts that were not accepted."""
    return [a_round(outcome="StepFailed")] * times
