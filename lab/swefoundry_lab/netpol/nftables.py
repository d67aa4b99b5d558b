"""Writes nft rulesets from verdicts. Pure: returns text and applies nothing."""

from swefoundry_lab.layout import LINK_PREFIX
from swefoundry_lab.netpol.rules import Opening, Verdicts

TABLE = "inet swlab-policy"

SKELETON = """table {table} {{
  set known {{ type ipv4_addr; }}
  set isolated_out {{ type ipv4_addr; }}
  set isolated_in {{ type ipv4_addr; }}
  set open_out {{ type ipv4_addr . ipv4_addr . inet_proto . inet_service; flags interval; }}
  set open_in {{ type ipv4_addr . ipv4_addr . inet_proto . inet_service; flags interval; }}
  chain check_policies {{
    ct state established,related accept
    ip saddr {pods} ip saddr != {gateway} ip saddr != @known counter drop
    ip daddr {pods} ip daddr != {gateway} ip daddr != @known counter drop
    ip saddr @isolated_out ip saddr . ip daddr . meta l4proto . th dport != @open_out counter drop
    ip saddr @isolated_out meta l4proto != {{ tcp, udp }} counter drop
    ip daddr @isolated_in ip daddr . ip saddr . meta l4proto . th dport != @open_in counter drop
    ip daddr @isolated_in meta l4proto != {{ tcp, udp }} counter drop
  }}
  chain forwarded {{
    type filter hook forward priority filter - 5; policy accept;
    iifname "{links}*" meta nfproto ipv6 counter drop
    meta nfproto ipv4 jump check_policies
  }}
  chain to_the_node {{
    type filter hook input priority filter - 5; policy accept;
    iifname "{links}-br" meta nfproto ipv6 counter drop
    iifname "{links}*" meta nfproto ipv4 jump check_policies
  }}
}}
"""


def skeleton(pods: str, gateway: str) -> str:
    """The table with empty sets, replacing an existing one: packets of pods are dropped until the pods are known."""
    table = SKELETON.format(table=TABLE, pods=pods, gateway=gateway, links=LINK_PREFIX)
    return f"table {TABLE} {{}}\ndelete table {TABLE}\n{table}"


def changes(before: Verdicts, after: Verdicts) -> str:
    """The commands that change one state into the next, to be loaded as one transaction.

    Openings come first and known addresses last, so that at no point a pod is known and not isolated.
    """
    return "".join(
        (
            _replace("open_out", before.open_out, after.open_out),
            _replace("open_in", before.open_in, after.open_in),
            _difference("isolated_out", before.isolated_out, after.isolated_out),
            _difference("isolated_in", before.isolated_in, after.isolated_in),
            _difference("known", before.known, after.known),
        )
    )


def _replace(name: str, before: frozenset[Opening], after: frozenset[Opening]) -> str:
    """Update an interval set; write it again completely if a pod with the same address gets other openings.

    Within one transaction a new interval may not overlap a deleted one. Created and deleted pods, the most frequent
    changes, do not affect the intervals of other pods.
    """
    removed, added = before - after, after - before
    if {opening.pod for opening in removed} & {opening.pod for opening in added}:
        return f"flush set {TABLE} {name}\n" + _element("add", name, _intervals(after))
    return _element("delete", name, _intervals(removed)) + _element("add", name, _intervals(added))


def _intervals(openings: frozenset[Opening]) -> list[str]:
    return [f"{o.pod} . {o.network} . {o.protocol} . {o.first}-{o.last}" for o in sorted(openings)]


def _difference(name: str, before: frozenset[str], after: frozenset[str]) -> str:
    return _element("delete", name, sorted(before - after)) + _element("add", name, sorted(after - before))


def _element(verb: str, name: str, elements: list[str]) -> str:
    return f"{verb} element {TABLE} {name} {{ {', '.join(elements)} }}\n" if elements else ""
