"""The chart's scripted model: it is optional, uses the given scripts, and only agent pods reach it."""

from unit.chart.rendering import Object, of_kind, only, render, render_error

NAME = "swefoundry-scripted-model"
SCRIPT = "rules:\n  - {name: a, then: {text: b}}\n"


def render_scripted_model(**values: Object) -> list[Object]:
    return render(
        scriptedModel={"enabled": True, "scripts": {"demo": SCRIPT}} | values.pop("scriptedModel", {}),
        **values,
    )


def test_there_is_no_scripted_model_by_default() -> None:
    names = [body["metadata"]["name"] for body in render()]
    assert [name for name in names if "scripted" in name] == []


def test_the_scripted_model_gets_the_scripts_and_a_service() -> None:
    objects = render_scripted_model()
    spec = only(objects, "Deployment", NAME)["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "swefoundry/scripted-model:0.1.0"
    assert spec["containers"][0]["args"] == [
        "serve",
        "--host=0.0.0.0",
        "--port=8080",
        "--script=/etc/scripted-model",
    ]
    assert only(objects, "ConfigMap", NAME)["data"] == {"demo.yaml": SCRIPT}
    assert only(objects, "Service", NAME)["spec"]["ports"] == [
        {"name": "http", "port": 8080, "targetPort": "http"}
    ]


def test_a_changed_script_replaces_the_pod() -> None:
    def annotations(scripts: Object) -> Object:
        objects = render_scripted_model(scriptedModel={"scripts": scripts})
        return dict(only(objects, "Deployment", NAME)["spec"]["template"]["metadata"]["annotations"])

    first, second, changed = (annotations({"demo": text}) for text in (SCRIPT, SCRIPT, SCRIPT + "# more\n"))
    assert first == second != changed


def test_a_key_can_be_required() -> None:
    spec = only(render_scripted_model(scriptedModel={"secret": "model-key"}), "Deployment", NAME)["spec"][
        "template"
    ]["spec"]
    assert spec["containers"][0]["args"][-1] == "--key-file=/var/run/scripted-model/api-key"
    assert {"name": "key", "secret": {"secretName": "model-key"}} in spec["volumes"]


def test_only_agent_pods_reach_it_and_it_reaches_nothing() -> None:
    objects = render_scripted_model(namespaces=["a", "b"])
    spec = only(objects, "NetworkPolicy", NAME)["spec"]
    (rule,) = spec["ingress"]
    (peer,) = rule["from"]
    assert spec["policyTypes"] == ["Ingress", "Egress"] and "egress" not in spec
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert peer["podSelector"]["matchLabels"] == {"swefoundry.dev/role": "agent"}
    assert peer["namespaceSelector"]["matchExpressions"][0]["values"] == ["a", "b"]
    agent_policies = [
        body
        for body in of_kind(objects, "NetworkPolicy")
        if body["metadata"]["name"].endswith("agent-scripted-model")
    ]
    assert [body["metadata"]["namespace"] for body in agent_policies] == ["a", "b"]


def test_there_is_no_policy_for_it_if_policies_are_disabled() -> None:
    assert of_kind(render_scripted_model(networkPolicy={"enabled": False}), "NetworkPolicy") == []


def test_a_script_that_is_not_a_text_is_refused() -> None:
    assert "/scriptedModel/scripts/demo" in render_error(scriptedModel={"scripts": {"demo": {"rules": []}}})
