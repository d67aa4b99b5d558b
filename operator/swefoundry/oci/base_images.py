"""Look up base images in their registries before anything is built from them.

Only the answer that an image does not exist makes it missing. A registry that does not answer or refuses says nothing
about the image: the build decides then, and waits for a registry that is away. Only hosts that the settings name are
asked, because names of images come from drafts.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Self

from swefoundry.dockerfile.image_names import normalized
from swefoundry.errors import SwefoundryError
from swefoundry.oci.registry_client import RegistryClient

DOCKER_HUB = "docker.io"
DOCKER_HUB_ADDRESS = "registry-1.docker.io"
"""Names of images say docker.io; its registry has another address."""

CACHE_SECONDS = 600.0
"""An image that is pushed after it was missing is found after this time."""
CACHED_IMAGES = 1024
LOOKUP_SECONDS = 5.0
"""A registry that has not answered by then is not waited for: the build asks it again."""

OpenRegistry = Callable[[str], AbstractAsyncContextManager[RegistryClient]]
"""Opens the registry at host[:port]."""


class Existence(Enum):
    """Result of a lookup."""

    EXISTS = "exists"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class PulledImage:
    """Where builds pull an image from."""

    host: str
    repository: str
    reference: str


def pulled_image(name: str, mirrors: Mapping[str, str]) -> PulledImage:
    """Return where builds pull ``name`` from: a mirror replaces its host, as in buildah's configuration."""
    host, _, path = normalized(name).partition("/")
    address, _, folder = mirrors.get(host, host).partition("/")
    tagged, _, digest = path.partition("@")
    parent, slash, last = tagged.rpartition("/")
    image, _, tag = last.partition(":")
    repository = "/".join(filter(None, [folder.strip("/"), f"{parent}{slash}{image}"]))
    return PulledImage(DOCKER_HUB_ADDRESS if address == DOCKER_HUB else address, repository, digest or tag)


@dataclass(frozen=True)
class ImageHosts:
    """Hosts that may be asked, and the mirrors that replace them."""

    mirrors: Mapping[str, str]
    hosts: frozenset[str]

    @classmethod
    def of(cls, mirrors: Mapping[str, str], registry: str, images: Iterable[str]) -> Self:
        """The hosts of the mirrors, of the operator's registry and base images, and Docker Hub."""
        named = {normalized(image).partition("/")[0] for image in images}
        return cls(mirrors, frozenset({DOCKER_HUB, registry, *mirrors, *named}))


NO_IMAGE_HOSTS = ImageHosts({}, frozenset())


class BaseImageLookup:
    """Looks up images and remembers the results, for all rows, for a time."""

    def __init__(
        self,
        hosts: ImageHosts,
        open_registry: OpenRegistry | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without ``open_registry`` nothing is asked, and only what was remembered is missing."""
        self._hosts = hosts
        self._open_registry = open_registry
        self._clock = clock
        self._known: OrderedDict[str, tuple[Existence, float]] = OrderedDict()

    async def missing(self, images: Iterable[str], away: Collection[str] = ()) -> list[str]:
        """Those of ``images`` that do not exist, in their order; hosts that are ``away`` are not asked."""
        names = list(dict.fromkeys(images))
        found = await asyncio.gather(*(self._existence(name, away) for name in names))
        return [name for name, existence in zip(names, found, strict=True) if existence is Existence.MISSING]

    def remember_missing(self, image: str) -> None:
        """Note that a build could not pull an image."""
        self._remember(normalized(image), Existence.MISSING)

    @property
    def known_missing(self) -> list[str]:
        """Images that are known to be missing, by their long names, sorted."""
        now = self._clock()
        return sorted(
            name for name, (found, until) in self._known.items() if found is Existence.MISSING and now < until
        )

    async def _existence(self, image: str, away: Collection[str]) -> Existence:
        name = normalized(image)
        known, until = self._known.get(name, (Existence.UNKNOWN, 0.0))
        if self._clock() < until:
            return known
        pulled = pulled_image(image, self._hosts.mirrors)
        allowed = name.partition("/")[0] in self._hosts.hosts and pulled.host not in away
        if self._open_registry is None or not allowed:
            return Existence.UNKNOWN
        found = await _ask(self._open_registry, pulled)
        self._remember(name, found)
        return found

    def _remember(self, name: str, found: Existence) -> None:
        self._known.pop(name, None)
        self._known[name] = found, self._clock() + CACHE_SECONDS
        while len(self._known) > CACHED_IMAGES:
            self._known.popitem(last=False)


async def _ask(open_registry: OpenRegistry, pulled: PulledImage) -> Existence:
    try:
        async with asyncio.timeout(LOOKUP_SECONDS), open_registry(pulled.host) as registry:
            exists = await registry.has_manifest(pulled.repository, pulled.reference)
    except (SwefoundryError, OSError):  # also a time limit, and certificates that cannot be read
        return Existence.UNKNOWN
    return Existence.EXISTS if exists else Existence.MISSING


def missing_image_message(missing: Collection[str], existing: Collection[str]) -> str:
    """A sentence with the missing images and those to choose from."""
    names = ", ".join(missing)
    what = f"{names} does not exist" if len(missing) == 1 else f"{names} do not exist"
    choice = f"; images that exist: {', '.join(existing)}" if existing else "; use an image that exists"
    return f"The registry says that {what}{choice}."
