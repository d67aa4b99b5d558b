"""Settings of the installed release, for the measured operator: a process of this checkout in a new namespace.

So no other work counts towards its limits of active pods, and /proc has its memory and CPU time.
"""

import json

from cluster.commands import kubectl


def installed_settings(release: str, namespace: str) -> dict[str, str]:
    """Environment of the installed operator, with changes for a process outside the cluster."""
    deployment = json.loads(kubectl("get", "deployment", release, "-n", release, "-o", "json"))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    variables = {item["name"]: item["value"] for item in container["env"] if item.get("value")}
    settings = {name: value for name, value in variables.items() if name.startswith("SWEFOUNDRY_")}
    node = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["status"]["addresses"][0]["address"]
    api = json.loads(kubectl("get", "service", "kubernetes", "-n", "default", "-o", "json"))["spec"][
        "clusterIP"
    ]
    registry = settings["SWEFOUNDRY_REGISTRY_PUSH"]
    # Only pods can resolve the registry's name; the node's address also works on this machine.
    address = f"{node}:{registry.rpartition(':')[2]}"
    return settings | {
        "SWEFOUNDRY_NAMESPACES": namespace,
        "SWEFOUNDRY_REGISTRY_PUSH": address,
        "SWEFOUNDRY_BUILD_MIRRORS": settings.get("SWEFOUNDRY_BUILD_MIRRORS", "{}").replace(registry, address),
        "SWEFOUNDRY_CANARY": f"{api}:443",
        "SWEFOUNDRY_SERVICE_ACCOUNT": "",
        "SWEFOUNDRY_LEASE": "",
        "SWEFOUNDRY_CA_CONFIG_MAP": "",
    }
