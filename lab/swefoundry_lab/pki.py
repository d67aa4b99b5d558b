"""The lab's certificates: one CA, a certificate per component, kubeconfigs.

A certificate is created when it is missing, or when its names have changed (the machine has a new address).
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from swefoundry_lab.layout import CONTEXT, KUBERNETES_SERVICE, Lab

LIFETIME = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class Identity:
    """One certificate: name of its files, user and group, and names for which it may serve."""

    file: str
    user: str
    group: str = ""
    serves: tuple[str, ...] = ()


def identities(address: str) -> tuple[Identity, ...]:
    """The certificates of the control plane, of kube-proxy and netpol, and of the administrator."""
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    serving = (*names, "127.0.0.1", address, KUBERNETES_SERVICE)
    return (
        Identity("apiserver", "kube-apiserver", serves=serving),
        Identity("apiserver-kubelet-client", "kube-apiserver", "system:masters"),
        Identity("admin", "lab-admin", "system:masters"),
        Identity("controller-manager", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity("proxy", "system:kube-proxy"),
        Identity("netpol", "lab-netpol", "system:masters"),
    )


def node_identity(node: str, address: str) -> Identity:
    """The certificate of a kubelet, as client of the API server and as server."""
    return Identity(f"kubelet-{node}", f"system:node:{node}", "system:nodes", serves=(node, address))


def ensure_authority(lab: Lab) -> None:
    """Create the CA and the key pair that signs service account tokens."""
    if not (lab.pki / "sa.key").exists():
        _write_key(lab.pki / "sa.key", key := ec.generate_private_key(ec.SECP256R1()))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (lab.pki / "sa.pub").write_bytes(public)
    if (lab.pki / "ca.crt").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("swefoundry-lab", "")
    certificate = (
        _draft(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_signing_only(), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(lab.pki / "ca.key", key)
    (lab.pki / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def ensure_certificate(lab: Lab, identity: Identity) -> None:
    """Create a certificate unless one with the same identity exists."""
    content, stamp = repr(identity), lab.pki / f"{identity.file}.for"
    if stamp.exists() and stamp.read_text() == content:
        return
    authority_key = serialization.load_pem_private_key((lab.pki / "ca.key").read_bytes(), password=None)
    authority = x509.load_pem_x509_certificate((lab.pki / "ca.crt").read_bytes())
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    draft = _draft(_name(identity.user, identity.group), authority.subject, key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    draft = draft.add_extension(usages, critical=False).add_extension(issuer, critical=False)
    if identity.serves:
        draft = draft.add_extension(
            x509.SubjectAlternativeName(_alternative_names(identity.serves)), critical=False
        )
    certificate = draft.sign(authority_key, hashes.SHA256())
    _write_key(lab.pki / f"{identity.file}.key", key)
    (lab.pki / f"{identity.file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    stamp.write_text(content)


def _draft(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # a clock may be set back
        .not_valid_after(now + LIFETIME)
    )


def _signing_only() -> x509.KeyUsage:
    """Key usage of the CA; Python 3.13 refuses a CA certificate without it."""
    fields = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    )
    unused = dict.fromkeys((*fields, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(key_cert_sign=True, crl_sign=True, **unused)


def _name(user: str, group: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    if group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _alternative_names(names: tuple[str, ...]) -> list[x509.GeneralName]:
    return [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        for name in names
    ]


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(pem)


KUBECONFIG = """apiVersion: v1
kind: Config
current-context: {context}
clusters:
- name: {context}
  cluster:
    server: https://{address}:{port}
    certificate-authority: {pki}/ca.crt
contexts:
- name: {context}
  context: {{cluster: {context}, user: {user}}}
users:
- name: {user}
  user:
    client-certificate: {pki}/{file}.crt
    client-key: {pki}/{file}.key
"""


def write_kubeconfig(lab: Lab, path: Path, identity: Identity) -> None:
    """Write a kubeconfig for one identity. It refers to the key file, so that there is no second copy of the key."""
    text = KUBECONFIG.format(
        context=CONTEXT,
        address=lab.address,
        port=lab.ports.api,
        pki=lab.pki,
        user=identity.user,
        file=identity.file,
    )
    if not path.exists() or path.read_text() != text:
        path.touch(mode=0o600)
        path.write_text(text)
