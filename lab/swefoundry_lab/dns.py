"""A DNS query to the cluster's DNS server, without the machine's resolver."""

import socket
import struct

ADDRESS_RECORD = struct.pack(">HH", 1, 1)
"""Type A, class IN."""


def resolves_to(server: str, name: str, address: str, seconds: float = 1) -> bool:
    """Whether a DNS server resolves a name to an address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(seconds)
        try:
            channel.sendto(encode_query(name), (server, 53))
            return socket.inet_aton(address) in channel.recv(512)
        except OSError:
            return False


def encode_query(name: str) -> bytes:
    """A query for an address, with recursion desired."""
    header = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return header + labels + b"\0" + ADDRESS_RECORD
