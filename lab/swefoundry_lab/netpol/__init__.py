"""NetworkPolicy for the lab: the plain bridge network enforces none, so this program does, with nftables.

    objects.py    the few fields of pods, namespaces and policies that matter, frozen
    rules.py      those objects -> which pods are isolated and what they may reach (pure)
    nftables.py   that -> the text nft loads (pure)
    state.py      the observed state, and what of it is in force
    cni_plugin.py lets a pod start when its address is in force
    __main__.py   watches the API server and applies each change

Three properties, each tested on the lab: a pod whose address is not known yet is dropped rather than let through,
IPv6 from pods is dropped, and isolation lands in the same transaction as the address.

Known limits: connections that were open before a policy came stay open; only TCP and UDP can be allowed.
"""
