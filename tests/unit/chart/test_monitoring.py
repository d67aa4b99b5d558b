"""The chart's dashboard and alerts use series and labels that the operator exports."""

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
COMMON_LABELS = {"namespace", "le"}
"""Labels that Prometheus adds, and those of histograms."""
LABEL_VALUES = {
    "phase": set(Phase.__args__),
    "verdict": set(VerdictName.__args__),
    "outcome": {"Finished", *FaultCategory, *RoundOutcome},
    "result": {"ok", "retry", "gone", "refused", "defect"},
    "kind": {"TaskInstance", "EnvBuild"},
    "stage": {role.value for role in Role},
    "strategy": set(StrategyName.__args__),
}
"""All values of the labels that expressions use with literal values."""


def dashboard() -> Object:
    objects = render(metrics={"dashboard": {"enabled": True}})
    dashboard: Object = json.loads(
        only(objects, "ConfigMap", "swefoundry-dashboard")["data"]["swefoundry.json"]
    )
    return dashboard


def rules() -> list[Object]:
    objects = render(metrics={"alerts": {"enabled": True}, "labels": {"release": "prometheus"}})
    rule = only(objects, "PrometheusRule", "swefoundry")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    return [each for group in rule["spec"]["groups"] for each in group["rules"]]


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in rules())


def exported_series() -> dict[str, set[str]]:
    """All series with their labels."""
    labels: dict[str, set[str]] = {"swefoundry_objects": {"kind", "phase"}}
    for name, collector in metrics.REGISTRY._names_to_collectors.items():
        labels[name] = set(getattr(collector, "_labelnames", ()))
    return labels


def test_every_expression_uses_existing_series_labels_and_label_values() -> None:
    series = exported_series()
    for expression in expressions():
        used = SERIES.findall(expression)
        assert used, expression
        for name, matchers in used:
            assert name in series, expression
            for label, value in MATCHER.findall(matchers):
                assert label in series[name] | COMMON_LABELS, expression
                assert label not in LABEL_VALUES or set(value.split("|")) <= LABEL_VALUES[label], expression


def test_every_expression_selects_the_namespace_of_the_release() -> None:
    for expression in expressions():
        assert all("namespace=" in matchers for _, matchers in SERIES.findall(expression)), expression


def test_every_alert_has_a_severity_a_short_summary_and_a_description() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert len(rule["annotations"]["summary"]) < 100
        assert rule["annotations"]["description"].endswith(".")


def test_alert_thresholds_can_be_set_by_values() -> None:
    objects = render(metrics={"alerts": {"enabled": True, "queueSeconds": 2.5, "faultShare": 0.5}})
    by_name = {
        rule["alert"]: rule["expr"]
        for group in only(objects, "PrometheusRule", "swefoundry")["spec"]["groups"]
        for rule in group["rules"]
    }
    assert by_name["SwefoundryQueueSlow"].endswith("> 2.5")
    assert "> 0.5 *" in by_name["SwefoundryInfrastructureFaults"]
    assert by_name["SwefoundryModelSpend"].endswith("> 50")


def test_there_is_no_spending_alert_without_a_threshold() -> None:
    objects = render(metrics={"alerts": {"enabled": True, "llmUsdPerDay": 0}})
    assert "SwefoundryModelSpend" not in json.dumps(only(objects, "PrometheusRule", "swefoundry"))


@pytest.mark.parametrize(
    "values",
    [{}, {"port": 0, "dashboard": {"enabled": True}, "alerts": {"enabled": True}}],
    ids=["the default values", "without metrics"],
)
def test_dashboard_and_alerts_are_rendered_only_if_enabled_together_with_metrics(
    values: dict[str, Any],
) -> None:
    bodies = of_kind(render(metrics=values), "ConfigMap", "PrometheusRule")
    assert [body["metadata"]["name"] for body in bodies] == ["swefoundry-trial"]


def test_no_two_panels_of_the_dashboard_overlap() -> None:
    occupied: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        grid = panel["gridPos"]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not cells & occupied, panel["title"]
        occupied |= cells
