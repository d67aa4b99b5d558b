"""Pass proxy, package mirrors and certificates to every RUN step without leaving them in the image.

A setting becomes an ARG of every stage: unlike ENV it is not in the image's configuration, and an ENV of the
Dockerfile or of its base wins over it. Proxy settings are not even in the image's history (buildah knows their names);
the others are, as ``|2 PIP_INDEX_URL=… /bin/sh -c …``, so a mirror's address must not carry a password.

The certificates lie in the pod's /dev/shm, which `--isolation chroot` shows to every step as its own: a mount or a COPY
would leave a file in the image.
"""

import hashlib
from collections.abc import Iterable, Mapping

from swefoundry.contracts.build import (
    CERTIFICATE_VARIABLES,
    JAVA_OPTIONS,
    SOURCE_DATE_VARIABLE,
    BuildSpec,
)
from swefoundry.dockerfile.parser import Instruction, parse

IMAGE_TIME = 315_532_800
"""1980-01-01T00:00:00Z, the time of everything in an image: the same build gives the same digest, and zip files know no
earlier year."""

SOURCE_DATE = IMAGE_TIME + 86_400
"""A day later, because tools that write zip files may use local time, up to a day behind UTC."""

CERTIFICATES_PATH = "/dev/shm/swefoundry-certificates.pem"

JAVA_TRUSTSTORE_PATH = "/dev/shm/swefoundry-certificates.jks"


def step_environment(spec: BuildSpec) -> dict[str, str]:
    """Names and values that every RUN step sees."""
    # Python then stamps .pyc files with a hash of the source. Files of the image have another time than they had in the
    # step that made them, so stamps with times would all be stale and every evaluation would compile everything anew.
    settings = {SOURCE_DATE_VARIABLE: str(SOURCE_DATE)}
    if spec.ca_bundle is not None:
        settings |= dict.fromkeys(CERTIFICATE_VARIABLES, CERTIFICATES_PATH)
        settings[JAVA_OPTIONS] = f"-Djavax.net.ssl.trustStore={JAVA_TRUSTSTORE_PATH}"
    for name, value in spec.build_args.items():
        settings[name] = f"{settings[name]} {value}" if name == JAVA_OPTIONS and name in settings else value
        if name.upper().endswith("_PROXY"):
            # curl and apt read the lower-case name, others the upper-case one.
            settings |= {name.upper(): value, name.lower(): value}
    return settings


def proxy_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The proxy settings: buildah itself needs them to pull base images."""
    return {name: value for name, value in settings.items() if name.upper().endswith("_PROXY")}


PREDECLARED_ARGS = frozenset(
    name for kind in ("http", "https", "ftp", "no") for name in (f"{kind}_proxy", f"{kind}_proxy".upper())
)
"""Names that need no ARG: declaring one would put its value into the image's history."""


def with_step_args(dockerfile: str, names: Iterable[str]) -> str:
    """The Dockerfile with an ARG line below every FROM, and one above every RUN that has a heredoc."""
    lines = dockerfile.splitlines()
    declared = f"ARG {' '.join(sorted(set(names) - PREDECLARED_ARGS))}"
    for instruction in reversed(parse(dockerfile)):
        if instruction.keyword == "FROM":
            lines.insert(instruction.last_line, declared)
        elif instruction.keyword == "RUN" and instruction.heredocs:
            lines.insert(instruction.line - 1, _heredoc_arg(instruction))
    return "\n".join(lines) + "\n"


def _heredoc_arg(instruction: Instruction) -> str:
    """An ARG whose name changes with the heredoc.

    Below an ARG, buildah before 1.40 leaves heredocs out of the keys of its layer cache: a step would be taken from the
    build of another script. https://github.com/containers/buildah/issues/5656
    """
    content = "\0".join(heredoc.body for heredoc in instruction.heredocs)
    return f"ARG HEREDOC_{hashlib.sha256(content.encode()).hexdigest()[:16]}=1"
