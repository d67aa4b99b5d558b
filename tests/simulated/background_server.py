"""The simulated API server in a thread of its own, for programs under test that run their own event loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from simulated.api_server import ApiServer, Json, running_api_server


@contextmanager
def background_api_server(kubeconfig: Path) -> Iterator[ApiServer]:
    """Run a server until the block ends, and write a kubeconfig for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = running_api_server()
    try:
        api = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        kubeconfig.write_text(yaml.safe_dump(kubeconfig_for(api.url)))
        yield api
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def kubeconfig_for(url: str) -> Json:
    """Two contexts of one cluster; `there` has the namespace `research`."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u"}},
            {"name": "there", "context": {"cluster": "c", "user": "u", "namespace": "research"}},
        ],
    }
