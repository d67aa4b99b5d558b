"""Measure connections. Every error is a finding; nothing is waited for longer than a person would."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from swefoundry.contracts.connectivity import (
    MEASURED_IMAGE_COMMAND,
    Connection,
    ConnectionKind,
    ConnectivityResult,
    ConnectivitySpec,
)
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Model
from swefoundry.errors import SwefoundryError
from swefoundry.oci.base_images import pulled_image
from swefoundry.oci.content import OCI_MANIFEST, canonical_json, descriptor, digest_of
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import AgentExit
from swefoundry.programs.agent.llm.endpoint import Endpoint, EndpointAccess
from swefoundry.programs.agent.llm.request_errors import ContextExceeded, RequestRejected, RetryableError

HANDSHAKE_SECONDS = 3.0
"""An address that has not answered by then is not reached."""
ISOLATION_SECONDS = 15.0
"""Some network plug-ins apply the policies of a pod a few seconds after its start."""
ISOLATION_POLL_SECONDS = 1.0
REGISTRY_RETRY_SECONDS = 5.0
"""How long a registry that does not answer is asked again."""
MODEL_SECONDS = 30
"""Time limit of a request for the list of an endpoint's models."""
ERROR_CHARACTERS = 400
MODELS_MEASURED = 4
"""So that the record fits a termination message."""

IMAGE_TAG = "doctor"
EMPTY_TAR = bytes(10240)
"""The end of a tar file without members, as GNU tar writes it."""
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


async def measure_connectivity(spec: ConnectivitySpec) -> ConnectivityResult:
    """The connections of all kinds that the spec names."""
    connections: list[Connection] = []
    for kind in spec.measured:
        connections += await MEASUREMENTS[kind](spec)
    return ConnectivityResult(
        nonce=spec.nonce,
        code=ExitCode.OK,
        connections=[
            each.model_copy(update={"error": " ".join(each.error.split())[:ERROR_CHARACTERS]})
            for each in connections
        ],
    )


async def measure_registry(spec: ConnectivitySpec) -> list[Connection]:
    """A small image is written and read with the credentials of pods."""
    place, image, error = spec.place, None, ""
    try:
        async with _open(spec, place.registry) as registry:
            image = await write_image(registry, place.repository)
            await registry.get_manifest(place.repository, image)
    except (SwefoundryError, OSError) as raised:
        error = str(raised)
    return [Connection(kind=ConnectionKind.REGISTRY, target=place.registry, error=error, image=image)]


async def write_image(registry: RegistryClient, repository: str) -> Digest:
    """Store the image that nodes are to pull; the same one each time."""
    config = canonical_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": [MEASURED_IMAGE_COMMAND]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(EMPTY_TAR)]},
        }
    )
    layer = descriptor(LAYER_TYPE, await registry.put_blob(repository, EMPTY_TAR), len(EMPTY_TAR))
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG_TYPE, await registry.put_blob(repository, config), len(config)),
        "layers": [layer],
    }
    return await registry.put_manifest(repository, manifest, OCI_MANIFEST, IMAGE_TAG)


async def measure_base_images(spec: ConnectivitySpec) -> list[Connection]:
    """Each base image is looked up where builds pull it from."""
    errors = await asyncio.gather(*(_image_error(spec, image) for image in spec.base_images))
    found = "; ".join(error for error in errors if error)
    return [Connection(kind=ConnectionKind.BASE_IMAGES, target=", ".join(spec.base_images), error=found)]


async def _image_error(spec: ConnectivitySpec, image: str) -> str:
    pulled = pulled_image(image, spec.mirrors)
    try:
        async with _open(spec, pulled.host) as registry:
            exists = await registry.has_manifest(pulled.repository, pulled.reference)
    except (SwefoundryError, OSError) as raised:
        return f"{image}: {raised}"
    return "" if exists else f"{image} does not exist on {pulled.host}"


async def measure_models(spec: ConnectivitySpec) -> list[Connection]:
    """Each endpoint is asked for the list of its models, which costs nothing."""
    models = spec.models[:MODELS_MEASURED]
    return [
        Connection(
            kind=ConnectionKind.MODEL,
            target=f"{model.name} at {model.base_url}",
            error=await _model_error(model, spec),
        )
        for model in models
    ]


async def _model_error(model: Model, spec: ConnectivitySpec) -> str:
    try:
        access = EndpointAccess(api_key=_key(spec), ca_file=spec.ca_file)
        endpoint = Endpoint(model.model_copy(update={"request_seconds": MODEL_SECONDS}), access)
    except OSError as raised:
        return f"the models' key cannot be read: {raised}"
    except AgentExit as raised:  # certificates that cannot be read
        return str(raised)
    try:
        listed = await endpoint.listed_models()
    except (AgentExit, ContextExceeded, RequestRejected, RetryableError) as raised:
        return str(raised)
    finally:
        await endpoint.aclose()
    if listed and model.name not in listed:
        return f"the endpoint has no model of this name; it has {', '.join(sorted(listed)[:8])}"
    return ""


def _key(spec: ConnectivitySpec) -> str:
    return Path(spec.key_file).read_text().strip() if spec.key_file else ""


async def measure_isolation(spec: ConnectivitySpec) -> list[Connection]:
    """Neither the API server nor the registry is reached."""
    addresses = [_api_server(os.environ), spec.place.registry]
    reached = [address for address in addresses if address and await _stays_reached(address)]
    error = f"{' and '.join(reached)} can be reached" if reached else ""
    return [Connection(kind=ConnectionKind.ISOLATION, target=", ".join(filter(None, addresses)), error=error)]


def _api_server(environment: Mapping[str, str]) -> str:
    """Its address as the kubelet gives it to every container: without names, which code under test cannot resolve."""
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    return f"{host}:{environment.get('KUBERNETES_SERVICE_PORT', '443')}" if host else ""


async def _stays_reached(address: str) -> bool:
    ends = time.monotonic() + ISOLATION_SECONDS
    while await is_reached(address):
        if time.monotonic() > ends:
            return True
        await asyncio.sleep(ISOLATION_POLL_SECONDS)
    return False


async def is_reached(address: str) -> bool:
    """Whether somebody takes connections at host:port. A refusal counts as isolation: network plug-ins may refuse."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        host, port = address, "443"
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError:  # also a time limit
        return False
    writer.close()
    return True


def _open(spec: ConnectivitySpec, host: str) -> RegistryClient:
    place = spec.place
    return RegistryClient(
        host,
        insecure=place.insecure and host == place.registry,
        auth_file=Path(place.auth_file) if place.auth_file else None,
        ca_bundle=Path(spec.ca_file) if spec.ca_file else None,
        retry_seconds=REGISTRY_RETRY_SECONDS,
    )


MEASUREMENTS: Mapping[ConnectionKind, Callable[[ConnectivitySpec], Awaitable[list[Connection]]]] = {
    ConnectionKind.REGISTRY: measure_registry,
    ConnectionKind.BASE_IMAGES: measure_base_images,
    ConnectionKind.MODEL: measure_models,
    ConnectionKind.ISOLATION: measure_isolation,
}
