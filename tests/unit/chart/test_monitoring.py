"""The dashboard and the alerts ask for series that the operator has."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from swefoundry import metrics
from swefoundry.api.taskinstance import Phase, VerdictName
from swefoundry.api.types import StrategyName
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_outcomes import FaultCategory
from unit.chart.rendering import Object, of_kind, only, render

SERIES = re.compile(r"(swefoundry_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z]+)(?:=~|!=|=)"([^"]*)"')
SUFFIXES = ("_bucket", "_sum", "_count")
ADDED = {"namespace", "le"}
"""Labels that Prometheus adds, or that belong to histograms."""
CLOSED = {
    "phase": set(Phase.__args__),
    "verdict": set(VerdictName.__args__),
    "outcome": {"Finished", *FaultCategory, *RoundOutcome},
    "result": {"ok", "retry", "gone", "refused", "defect"},
    "kind": {"TaskInstance", "EnvBuild"},
    "stage": {role.value for role in Role},
    "strategy": set(StrategyName.__args__),
}
"""What a label may be, where it is written into an expression."""


def dashboard() -> Object:
    objects = render(metrics={"dashboard": {"enabled": True}})
    dashboard_json: Object = json.loads(
        only(objects, "ConfigMap", "swefoundry-dashboard")["data"]["swefoundry.json"]
    )
    return dashboard_json


def rules() -> list[Object]:
    objects = render(metrics={"alerts": {"enabled": True}, "labels": {"release": "prometheus"}})
    rule = only(objects, "PrometheusRule", "swefoundry")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    return [each for group in rule["spec"]["groups"] for each in group["rules"]]


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in rules())


def known() -> dict[str, set[str]]:
    """Every series with its labels."""
    found: dict[str, set[str]] = {"swefoundry_objects": {"kind", "phase"}}
    for name, collector in metrics.REGISTRY._names_to_collectors.items():
        found[name] = set(getattr(collector, "_labelnames", ()))
    return found


def test_every_expression_asks_for_series_and_labels_that_there_are() -> None:
    series = known()
    for expression in expressions():
        used = SERIES.findall(expression)
        assert used, expression
        for name, matchers in used:
            assert name in series, expression
            for label, value in MATCHER.findall(matchers):
                assert label in series[name] | ADDED, expression
                assert label not in CLOSED or set(value.split("|")) <= CLOSED[label], expression


def test_every_expression_is_bound_to_the_installations_namespace() -> None:
    for expression in expressions():
        assert all("namespace=" in matchers for _, matchers in SERIES.findall(expression)), expression


def test_every_alert_has_a_severity_and_says_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert len(rule["annotations"]["summary"]) < 100
        assert rule["annotations"]["description"].endswith(".")


def test_thresholds_are_values() -> None:
    objects = render(metrics={"alerts": {"enabled": True, "queueSeconds": 2.5, "faultShare": 0.5}})
    by_name = {
        rule["alert"]: rule["expr"]
        for group in only(objects, "PrometheusRule", "swefoundry")["spec"]["groups"]
        for rule in group["rules"]
    }
    assert by_name["SwefoundryQueueSlow"].endswith("> 2.5")
    assert "> 0.5 *" in by_name["SwefoundryInfrastructureFaults"]
    assert by_name["SwefoundryModelSpend"].endswith("> 50")


def test_without_a_threshold_spending_is_not_alerted_on() -> None:
    objects = render(metrics={"alerts": {"enabled": True, "llmUsdPerDay": 0}})
    assert "SwefoundryModelSpend" not in json.dumps(only(objects, "PrometheusRule", "swefoundry"))


@pytest.mark.parametrize(
    "values",
    [{}, {"port": 0, "dashboard": {"enabled": True}, "alerts": {"enabled": True}}],
    ids=["as it is", "without metrics"],
)
def test_neither_is_there_unless_asked_for_and_of_use(values: dict[str, Any]) -> None:
    found = of_kind(render(metrics=values), "ConfigMap", "PrometheusRule")
    assert [one["metadata"]["name"] for one in found] == ["swefoundry-trial"]


def test_no_two_panels_of_the_dashboard_overlap() -> None:
    covered: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & covered, panel["title"]
        covered |= cells
