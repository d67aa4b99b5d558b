"""Take one TaskInstance to its verdict: the test of an installation. `helm test` runs it in the operator's image.

The pod serves the source archive itself, so that nothing outside the cluster is needed but the base image.
"""

import asyncio
import gzip
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import time

from swefoundry.errors import NotFound
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import TASKS

PORT = 8080
NAMESPACE = os.environ.get("TRIAL_NAMESPACE", "default")
NAME = os.environ.get("TRIAL_NAME", "trial")
BASE_IMAGE = os.environ.get("TRIAL_BASE_IMAGE", "python:3.11-slim")
ADDRESS = os.environ.get("POD_IP", "127.0.0.1")
SECONDS = float(os.environ.get("TRIAL_SECONDS", "600"))

BROKEN = "def add(a, b):\n    return a - b\n"
GOLD = """\
--- a/adder.py
+++ b/adder.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
"""
TEST = """\
--- /dev/null
+++ b/test_adder.py
@@ -0,0 +1,8 @@
+import unittest
+
+from adder import add
+
+
+class AdderTest(unittest.TestCase):
+    def test_adds(self):
+        self.assertEqual(add(2, 2), 4)
"""


def archive() -> bytes:
    """The source: one wrong function."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        member = tarfile.TarInfo("adder-1.0/adder.py")
        member.size = len(BROKEN)
        tar.addfile(member, io.BytesIO(BROKEN.encode()))
    return out.getvalue()


def serve(content: bytes) -> None:
    """Serve the archive until the pod ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def task(content: bytes) -> dict:
    """The TaskInstance."""
    host = f"[{ADDRESS}]" if ":" in ADDRESS else ADDRESS
    source = {"url": f"http://{host}:{PORT}/adder-1.0.tar.gz", "sha256": hashlib.sha256(content).hexdigest()}
    dockerfile = f"FROM {BASE_IMAGE}\nCOPY . /testbed\nWORKDIR /testbed\n"
    return {
        "apiVersion": "swefoundry.dev/v1alpha1",
        "kind": "TaskInstance",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "instanceId": "swefoundry__trial-1",
            "repo": "swefoundry/trial",
            "source": {"archive": source},
            "problemStatement": {"inline": "add() subtracts."},
            "goldPatch": {"inline": GOLD},
            "testPatch": {"inline": TEST},
            "environment": {
                "strategies": ["fixed"],
                "draft": {"dockerfile": dockerfile, "testCommand": "python -m unittest -v test_adder"},
            },
            "validation": {
                "timeoutSeconds": 60,
                "resources": {"cpu": "100m", "memory": "256Mi", "ephemeralStorage": "1Gi"},
            },
            "ttlSecondsAfterFinished": 3600,
        },
    }


async def delete_earlier_trial(kube: KubeClient, deadline: float) -> None:
    """Delete the TaskInstance of an earlier trial, and wait until it is deleted."""
    await kube.delete(TASKS, NAMESPACE, NAME)
    while time.monotonic() < deadline:
        try:
            await kube.get(TASKS, NAMESPACE, NAME)
        except NotFound:
            return
        await asyncio.sleep(1)
    raise SystemExit(f"the TaskInstance {NAME} of an earlier trial is not deleted in time")


async def wait_for_verdict(kube: KubeClient, deadline: float) -> dict:
    """Wait for the verdict, and return the status."""
    shown, status = "", {}
    while time.monotonic() < deadline:
        status = (await kube.get(TASKS, NAMESPACE, NAME)).get("status", {})
        phase = status.get("phase", "not yet observed by the operator")
        if phase != shown:
            print(f"{NAME}: {phase}", flush=True)
            shown = phase
        true = {one["type"] for one in status.get("conditions", []) if one["status"] == "True"}
        if true & {"Ready", "Stalled"}:
            return status
        await asyncio.sleep(1)
    print(f"no verdict within {SECONDS:g} s", flush=True)
    return status


async def main() -> int:
    content = archive()
    serve(content)
    deadline = time.monotonic() + SECONDS
    kube = await KubeClient.connect()
    try:
        await delete_earlier_trial(kube, deadline)
        await kube.create(TASKS, NAMESPACE, task(content))
        status = await wait_for_verdict(kube, deadline)
    finally:
        await kube.close()
    if status.get("verdict") == "fail2pass":
        print(f"fail2pass, as expected: {status['image']['name']}")
        return 0
    print(json.dumps(status, indent=1))
    return 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
