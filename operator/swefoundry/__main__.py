"""The operator's process: build its dependencies, serve metrics, run until SIGTERM."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import uuid
from functools import partial
from pathlib import Path

import kopf
import uvloop
from pydantic import ValidationError

from swefoundry import __version__, metrics
from swefoundry.controllers.envbuild.reconcile import env_build_controller
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.full_collections import postpone_full_collections
from swefoundry.controllers.http_endpoints import serve
from swefoundry.controllers.kopf_adapter import Operator
from swefoundry.controllers.state_dump import log_state, state_dump
from swefoundry.controllers.taskinstance.reconcile import task_controller
from swefoundry.controllers.worker import utc_now
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.cache import Cache
from swefoundry.kube.leader_election import LeaderElector, LeaseConfig
from swefoundry.kube.rate_limit import TokenBucket
from swefoundry.kube.workqueue import WorkQueue
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.registry_transport import RegistryTransport
from swefoundry.settings import Settings, describe_errors
from swefoundry.structured_log import configure_logging, fields
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.shard_limits import settings_of_shard

log = logging.getLogger("swefoundry")


def main() -> None:
    """Run the operator until SIGTERM."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise SystemExit(describe_errors(error)) from None
    configure_logging(settings.log_level, settings.log_format)
    faulthandler.enable()  # native code, such as uvloop's, can end the process without a traceback
    log.info("operator starting", extra=fields(version=__version__, namespaces=",".join(settings.namespaces)))
    postpone_full_collections()
    # SIGINT before the event loop handles signals: nothing has begun.
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run(settings_of_shard(with_default_canary(settings))))


async def run(settings: Settings) -> None:
    """Build the dependencies and hand them to kopf."""
    elector = await make_elector(settings) if settings.lease else None
    kube = await KubeClient.connect(
        writes=TokenBucket(settings.api_qps, settings.api_burst),
        deletes=TokenBucket(settings.delete_qps, settings.delete_qps),
        before_write=elector.require_lead if elector else lambda: None,
    )
    open_registry = partial(registry_client, settings)
    registry = open_registry(settings.registry_push)
    queue = WorkQueue()
    limiter = PodLimiter(PlaceLimits.from_settings(settings), wake=queue.add, clock=utc_now)
    context = EnvBuildContext(kube, registry, Cache(), queue, limiter, settings, open_registry)
    controllers = [task_controller(context), env_build_controller(context)]
    operator = Operator(context, controllers, elector=elector)
    # The objects of a standby are the leader's, too, and would be counted twice in a sum.
    app = metrics.metrics_app(lambda: {} if queue.held else context.cache.count_by_phase(), __version__)
    serve(settings.metrics_port, app, lambda: state_dump(operator.informer, operator.controllers))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGUSR2, log_state, operator.informer, operator.controllers)
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
        if elector:
            await elector.close()


def registry_client(settings: Settings, host: str) -> RegistryClient:
    """A client of the operator's registry, or of one of base images."""
    return RegistryClient(
        host,
        insecure=settings.registry_insecure and host == settings.registry_push,
        auth_file=Path(settings.registry_auth_file) if settings.registry_auth_file else None,
        transport=RegistryTransport,
    )


async def make_elector(settings: Settings) -> LeaderElector:
    """The process as a candidate for the Lease of the settings."""
    namespace, _, name = settings.lease.partition("/")
    lease = LeaseConfig(
        namespace,
        name,
        settings.lease_seconds,
        settings.lease_renew_seconds,
        settings.lease_retry_seconds,
    )
    identity = f"{socket.gethostname()}_{settings.pod_uid or uuid.uuid4()}"
    return LeaderElector(await KubeClient.connect(), lease, identity, on_lost=end_process)


def end_process() -> None:
    """End at once and without clean-up: another process may hold the Lease soon, and nothing may be done twice."""
    logging.shutdown()
    os._exit(1)


def with_default_canary(settings: Settings) -> Settings:
    """Use the Kubernetes API as the canary where none is configured: no evaluation may reach it."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if settings.canary or not host:
        return settings
    return settings.model_copy(update={"canary": [f"{host}:{port}"]})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit("this starts the operator and takes no arguments; the command line is `swefoundry`")
    main()
