"""Certificates for JVMs, in the format that their `keytool` reads."""

import hashlib
import ssl
import struct
from pathlib import Path

from swefoundry.programs.build.java_truststore import java_keystore, write_java_truststore


def test_the_store_has_each_certificate_of_the_bundle_once(tmp_path: Path) -> None:
    one, two = ssl.DER_cert_to_PEM_cert(b"one"), ssl.DER_cert_to_PEM_cert(b"two")
    (tmp_path / "bundle.pem").write_text(f"# Some authority\n{one}{two}\n{one}")
    write_java_truststore(tmp_path / "bundle.pem", tmp_path / "store.jks")
    assert (tmp_path / "store.jks").read_bytes() == java_keystore([b"one", b"two"])


def test_a_store_is_entries_of_trusted_certificates_and_a_digest() -> None:
    entry = struct.pack(">IH1sQH5sI3s", 2, 1, b"1", 0, 5, b"X.509", 3, b"one")
    content = struct.pack(">III", 0xFEEDFEED, 2, 1) + entry
    # The password is Java's default; the words are in every key store's digest.
    digest = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + content).digest()
    assert java_keystore([b"one"]) == content + digest
