"""NetworkPolicy enforcement for the lab with nftables, because its bridge network has none.

    objects.py    the required fields of pods, namespaces and policies, frozen
    rules.py      objects -> which pods are isolated and what they may reach (pure)
    nftables.py   rules -> the text that nft loads (pure)
    state.py      the observed state, and the state that is in force
    cni_plugin.py delays the start of a pod until its address is in force
    __main__.py   watches the API server and applies each change

Three properties, each tested on the lab: packets of a pod with an unknown address are dropped, IPv6 packets of pods are
dropped, and the isolation of a pod is loaded in the same transaction as its address.

Known limits: connections that were open before a policy was created remain open; only TCP and UDP can be allowed.
"""
