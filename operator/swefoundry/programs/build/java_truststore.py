"""Write a Java key store (JKS) with certificates to trust: no JVM reads a PEM bundle.

Every release of Java reads this format, and without a password: it only protects the digest at the end. Format:
https://github.com/openjdk/jdk/blob/jdk-21-ga/src/java.base/share/classes/sun/security/provider/JavaKeyStore.java
"""

import hashlib
import re
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path

KEYSTORE_PASSWORD = "changeit"
"""Java's own default, for those who look into the file with `keytool`."""

_PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_MAGIC, _VERSION = 0xFEEDFEED, 2
_TRUSTED_CERTIFICATE = 2


def write_java_truststore(bundle: Path, target: Path) -> None:
    """Write the certificates of a PEM bundle to a key store."""
    blocks = _PEM_CERTIFICATE.findall(bundle.read_text("utf-8", "replace"))
    target.write_bytes(java_keystore([ssl.PEM_cert_to_DER_cert(block) for block in dict.fromkeys(blocks)]))
    target.chmod(0o644)


def java_keystore(certificates: Sequence[bytes]) -> bytes:
    """The key store of trusted certificates in DER form, each with its number as alias."""
    content = struct.pack(">III", _MAGIC, _VERSION, len(certificates))
    content += b"".join(_entry(str(number), each) for number, each in enumerate(certificates, 1))
    protected = KEYSTORE_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + content
    return content + hashlib.sha1(protected, usedforsecurity=False).digest()


def _entry(alias: str, certificate: bytes) -> bytes:
    """An entry that was created at the beginning of 1970, so that equal bundles give equal stores."""
    head = struct.pack(">I", _TRUSTED_CERTIFICATE) + _text(alias) + struct.pack(">Q", 0)
    return head + _text("X.509") + struct.pack(">I", len(certificate)) + certificate


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()
