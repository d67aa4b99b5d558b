"""The scripted model is there only when asked for, plays the given scripts, and is reached by agent pods alone."""

from unit.chart.rendering import Object, of_kind, only, refusal, render

NAME = "swefoundry-scripted-model"
SCRIPT = "rules:\n  - {name: a, then: {text: b}}\n"


def rendered(**values: Object) -> list[Object]:
    return render(
        scriptedModel={"enabled": True, "scripts": {"demo": SCRIPT}} | values.pop("scriptedModel", {}),
        **values,
    )


def test_there_is_none_unless_asked_for() -> None:
    assert [one["metadata"]["name"] for one in render() if "scripted" in one["metadata"]["name"]] == []


def test_it_answers_by_its_scripts_under_its_service_name() -> None:
    objects = rendered()
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


def test_another_script_means_another_pod() -> None:
    def marks(scripts: Object) -> Object:
        objects = rendered(scriptedModel={"scripts": scripts})
        return dict(only(objects, "Deployment", NAME)["spec"]["template"]["metadata"]["annotations"])

    assert marks({"demo": SCRIPT}) == marks({"demo": SCRIPT}) != marks({"demo": SCRIPT + "# more\n"})


def test_a_key_may_be_asked_for() -> None:
    spec = only(rendered(scriptedModel={"secret": "model-key"}), "Deployment", NAME)["spec"]["template"][
        "spec"
    ]
    assert spec["containers"][0]["args"][-1] == "--key-file=/var/run/scripted-model/api-key"
    assert {"name": "key", "secret": {"secretName": "model-key"}} in spec["volumes"]


def test_agent_pods_alone_get_to_it_and_it_gets_nowhere() -> None:
    objects = rendered(namespaces=["a", "b"])
    spec = only(objects, "NetworkPolicy", NAME)["spec"]
    (rule,) = spec["ingress"]
    (peer,) = rule["from"]
    assert spec["policyTypes"] == ["Ingress", "Egress"] and "egress" not in spec
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert peer["podSelector"]["matchLabels"] == {"swefoundry.dev/role": "agent"}
    assert peer["namespaceSelector"]["matchExpressions"][0]["values"] == ["a", "b"]
    ways = [
        one
        for one in of_kind(objects, "NetworkPolicy")
        if one["metadata"]["name"].endswith("agent-scripted-model")
    ]
    assert [one["metadata"]["namespace"] for one in ways] == ["a", "b"]


def test_without_policies_there_is_none_for_it() -> None:
    assert of_kind(rendered(networkPolicy={"enabled": False}), "NetworkPolicy") == []


def test_a_script_that_is_no_text_is_refused() -> None:
    assert "/scriptedModel/scripts/demo" in refusal(scriptedModel={"scripts": {"demo": {"rules": []}}})
