"""The operator's state dump as tables."""

from collections.abc import Mapping
from typing import Any

from swefoundry.cli.views.page import PageSection

State = Mapping[str, Any]


def state_sections(state: State) -> list[PageSection]:
    """Sections in the order in which a stuck batch is looked into: queue, pods, waits, usage, caches."""
    return [
        _numbers("Operator", {**state["operator"], **state["watch"]}),
        _numbers(
            "Queue", {name: value for name, value in state["queue"].items() if not name.endswith("Keys")}
        ),
        _keys("Delayed keys", state["queue"]["delayedKeys"]),
        _keys("Failing keys", state["queue"]["failingKeys"]),
        _pods(state["pods"]),
        _waiting(state),
        _leaders(state["searches"]["leaders"]),
        _usage(state["usage"]),
        _cache(state["cache"]),
    ]


def _numbers(title: str, values: State) -> PageSection:
    return PageSection(
        title, columns=("what", "value"), rows=tuple((name, _text(values[name])) for name in values)
    )


def _keys(title: str, items: list[State]) -> PageSection:
    columns = tuple(items[0]) if items else ("key",)
    return PageSection(title, columns=columns, rows=tuple(tuple(item.values()) for item in items))


def _pods(roles: State) -> PageSection:
    rows = tuple(
        (
            role,
            f"{item['active']}/{item['limit']}",
            item["waiting"],
            _text(item["heldBy"]),
            _text(item["unplaced"]),
        )
        for role, item in roles.items()
    )
    columns = ("role", "active", "waiting", "held by", "without a node")
    return PageSection("Pod places", columns=columns, rows=rows)


def _waiting(state: State) -> PageSection:
    pods = ((f"a place for {role}", item["waitingKeys"]) for role, item in state["pods"].items())
    searches = (
        (f"the search of {repo}", keys) for repo, keys in state["searches"]["waitingByRepository"].items()
    )
    budget = (("a budget for models", state["usage"]["waitingKeys"]),)
    waits = [(what, _text(keys)) for what, keys in (*pods, *searches, *budget) if keys]
    return PageSection("Waiting", columns=("for", "objects"), rows=tuple(waits))


def _leaders(names: list[str]) -> PageSection:
    return PageSection("Search leaders", columns=("EnvBuild",), rows=tuple((name,) for name in names))


def _usage(usage: State) -> PageSection:
    sums = {"(all)": usage["overall"], **usage["namespaces"]}
    rows = tuple((name, *sums[name].values()) for name in sums)
    return PageSection("Model usage", columns=("namespace", *usage["overall"]), rows=rows)


def _cache(cache: State) -> PageSection:
    objects = tuple(
        (f"{kind} {phase}", number)
        for kind, phases in cache["objects"].items()
        for phase, number in phases.items()
    )
    others = tuple((name, number) for name, number in cache.items() if name != "objects")
    return PageSection("Cache", columns=("what", "count"), rows=(*objects, *others))


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
