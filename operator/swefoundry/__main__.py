"""The operator's process: make the world, serve metrics, watch and work until told to stop."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import kopf
from pydantic import ValidationError

from swefoundry import __version__, metrics
from swefoundry.controllers.watch import Operator
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.cache import Cache
from swefoundry.kube.rate_limit import TokenBucket
from swefoundry.kube.workqueue import WorkQueue
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.settings import Settings, describe_errors
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.pod_limiter import PodLimiter
from swefoundry.workloads.pod_spec import Role


def main() -> None:
    """Run the operator until SIGTERM."""
    try:
        settings = Settings()
    except ValidationError as wrong:
        raise SystemExit(describe_errors(wrong)) from None
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)-7s %(name)s %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    for chatty in ("httpx", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    asyncio.run(run(with_default_canary(settings)))


async def run(settings: Settings) -> None:
    """Make the world and hand it to kopf."""
    kube = await KubeClient.connect(
        writes=TokenBucket(settings.api_qps, settings.api_burst),
        deletes=TokenBucket(settings.delete_qps, settings.delete_qps),
    )
    auth = Path(settings.registry_auth_file) if settings.registry_auth_file else None
    registry = RegistryClient(settings.registry_push, insecure=settings.registry_insecure, auth_file=auth)
    queue = WorkQueue()
    slots = PodLimiter(
        {
            Role.INTAKE: settings.max_active_intake,
            Role.BUILD: settings.max_active_build,
            Role.EVALUATION: settings.max_active_evaluation,
            Role.AGENT: settings.max_active_agent,
        },
        wake=queue.add,
    )
    context = ReconcileContext(kube, registry, Cache(), queue, slots, settings)
    metrics.serve(settings.metrics_port, context.cache.count_by_phase, __version__)
    operator = Operator(context)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    try:
        await kopf.operator(
            registry=operator.registry,
            namespaces=settings.namespaces,
            standalone=True,
            liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz",
            stop_flag=stop,
        )
    finally:
        await registry.aclose()
        await kube.close()


def with_default_canary(settings: Settings) -> Settings:
    """Without a configured canary the Kubernetes API itself is one: no evaluation has any business there."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if settings.canary or not host:
        return settings
    return settings.model_copy(update={"canary": [f"{host}:{port}"]})


if __name__ == "__main__":
    main()
