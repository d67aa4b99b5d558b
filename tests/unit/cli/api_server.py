"""A stand-in for the Kubernetes API over real HTTP: objects in a dict, lists in pages, server-side apply."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

import loopback
from loopback import Request, Response

Json = dict[str, Any]


@dataclass
class Api:
    """What the server holds; tests put objects in and read what was applied."""

    objects: dict[str, Json] = field(default_factory=dict)
    """By URL path."""
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """URL path -> status and message of the next answer to a write."""
    page: int = 2
    kubeconfig: Path = Path()

    def put(self, plural: str, body: Json) -> None:
        metadata = body["metadata"]
        metadata.setdefault("namespace", "default")
        base = "/api/v1" if plural == "configmaps" else "/apis/swefoundry.dev/v1alpha1"
        self.objects[f"{base}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"] = body

    def names(self) -> list[str]:
        return sorted(path.partition("/namespaces/")[2] for path in self.objects)

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Json]:
        if path in self.objects:
            return 200, self.objects[path]
        folder, _, plural = path.rpartition("/")
        inside = [
            body
            for place, body in sorted(self.objects.items())
            if place.split("/")[-2] == plural and place.startswith(folder)
        ]
        if not inside and plural not in ("taskinstances", "envbuilds", "configmaps"):
            return 404, {"message": f"{path} not found"}
        start = int(query.get("continue", 0))
        end = start + self.page
        more = {"continue": str(end)} if end < len(inside) else {}
        return 200, {"items": inside[start:end], "metadata": more}

    def apply(self, path: str, body: Json) -> tuple[int, Json]:
        if path in self.refusals:
            status, message = self.refusals[path]
            return status, {"message": message}
        body["metadata"]["namespace"] = path.split("/namespaces/")[1].split("/")[0]
        self.objects[path] = body
        return 200, body


@contextmanager
def serving(folder: Path) -> Iterator[Api]:
    api = Api(kubeconfig=folder / "kubeconfig")

    def answer(request: Request) -> Response:
        address = urlsplit(request.target)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if request.method == "GET":
            status, body = api.get(address.path, query)
        else:
            status, body = api.apply(address.path, json.loads(request.body))
        return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    with loopback.serving(answer) as host:
        api.kubeconfig.write_text(yaml.safe_dump(kubeconfig(f"http://{host}")))
        yield api


def kubeconfig(address: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u"}},
            {"name": "there", "context": {"cluster": "c", "user": "u", "namespace": "research"}},
        ],
    }
