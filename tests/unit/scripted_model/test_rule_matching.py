"""Rules match their requests; unmatched requests and wrong scripts are reported at once."""

from typing import Any

import httpx
import pytest

import scripted
from scripted_model.loading import ScriptError, parse_script

SYSTEM = {
    "explorer": "You are the Repository Explorer of swefoundry.\nLook around.",
    "environment": "You are the Environment Manager of swefoundry.\nWrite a Dockerfile.",
    "tests": "You are the Test Manager of swefoundry.",
    "analyst": "You are the Test Analyst of swefoundry.\r\nRead the log.",
}
TOOL = {"function": {"name": "read", "parameters": {"type": "object", "required": ["path"]}}}
FORM = {
    "type": "json_schema",
    "json_schema": {"name": "Report", "schema": {"type": "object", "required": ["a"]}},
}


def a_request(role: str = "explorer", *more: str, **changes: Any) -> dict[str, Any]:
    """A request; `more` are further messages of the user and the model, in turn."""
    words = [
        {"role": "system", "content": SYSTEM.get(role, role)},
        {"role": "user", "content": "Of demo/adder."},
    ]
    words += [{"role": ("assistant", "user")[index % 2], "content": text} for index, text in enumerate(more)]
    return {"model": "small", "messages": words} | changes


async def answer_text(model: scripted.LocalModel, body: dict[str, Any]) -> Any:
    """The text of the answer, or the error."""
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{model.base_url}/chat/completions", json=body)
    report = answer.json()
    return report["choices"][0]["message"]["content"] if answer.status_code == 200 else report["error"]


def rule(name: str, /, **when: Any) -> dict[str, Any]:
    return {"name": name, "when": when, "then": {"text": name}}


def rules(*listed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": list(listed), **more}


@pytest.mark.parametrize("role", SYSTEM)
async def test_each_role_gets_its_own_answer(role: str) -> None:
    script = rules(*(rule(name, role=name) for name in SYSTEM))
    async with scripted.serve(script) as model:
        assert await answer_text(model, a_request(role)) == role
        assert model.request_report()["requests"][0]["role"] == role


@pytest.mark.parametrize(
    ("when", "matching", "other"),
    [
        ({"model": "small"}, a_request(), a_request(model="large")),
        (
            {"repo": "demo/adder"},
            a_request(),
            a_request(messages=[{"role": "user", "content": "Of demo/other."}]),
        ),
        (
            {"anywhere": ["README", "demo/"]},
            a_request("explorer", "x", "README"),
            a_request("explorer", "README.md"[1:]),
        ),
        (
            {"last": "exit code 1"},
            a_request("analyst", "x", "exit code 1"),
            a_request("analyst", "exit code 1", "y"),
        ),
        ({"nowhere": "failed"}, a_request(), a_request("analyst", "it failed")),
        ({"turn": 1}, a_request("explorer", "a"), a_request()),
        ({"tools": True}, a_request(tools=[TOOL]), a_request()),
        ({"tools": False}, a_request(), a_request(tools=[TOOL])),
    ],
)
async def test_every_condition_is_checked(when: Any, matching: Any, other: Any) -> None:
    async with scripted.serve(rules(rule("for it", **when), rule("for the rest"))) as model:
        assert [await answer_text(model, matching), await answer_text(model, other)] == [
            "for it",
            "for the rest",
        ]


async def test_the_schema_is_checked() -> None:
    when = {"schema": "Report"}
    script = rules({"name": "report", "when": when, "then": {"json": {"a": 1}}}, rule("rest"))
    async with scripted.serve(script) as model:
        assert await answer_text(model, a_request(response_format=FORM)) == '{"a": 1}'
        assert await answer_text(model, a_request()) == "rest"


async def test_a_request_is_matched_by_its_digest() -> None:
    async with scripted.serve(rules(rule("any"))) as model:
        await answer_text(model, a_request())
        digest = model.request_report()["requests"][0]["digest"]
        model.load(rules(rule("this one", request=digest), rule("another")))
        assert [await answer_text(model, a_request()), await answer_text(model, a_request(seed=7))] == [
            "this one",
            "another",
        ]


async def test_a_list_of_answers_is_a_conversation() -> None:
    script = rules({"name": "talk", "then": [{"text": "one"}, {"text": "two"}]})
    async with scripted.serve(script) as model:
        first, again = await answer_text(model, a_request()), await answer_text(model, a_request())
        second, third = (
            await answer_text(model, a_request("explorer", "one", "go on")),
            await answer_text(model, a_request("explorer", "1", "2", "3")),
        )
    assert (first, again, second) == ("one", "one", "two")
    assert "it has 2 answers, the request is for number 3" in third["message"]


async def test_a_rule_may_be_used_a_number_of_times() -> None:
    async with scripted.serve(rules(rule("twice", times=2), rule("then"))) as model:
        assert [await answer_text(model, a_request()) for _ in range(3)] == ["twice", "twice", "then"]
        assert (await answer_to("POST", f"{model.root}/_scripted/reset"))[0] == 200
        assert (await answer_text(model, a_request()), model.request_report()["count"]) == ("twice", 1)


async def test_parts_of_messages_and_calls_are_read_too() -> None:
    parts = [{"type": "text", "text": "Of demo/"}, {"type": "text", "text": "adder."}]
    call = {"id": "1", "function": {"name": "read", "arguments": '{"path": "setup.py"}'}}
    words = [{"role": "user", "content": parts}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    script = rules(rule("both", repo="demo/adder", anywhere="setup.py"))
    async with scripted.serve(script) as model:
        assert await answer_text(model, a_request(messages=words)) == "both"


async def test_an_unmatched_request_names_the_nearest_rules() -> None:
    script = rules(
        rule("far", role="analyst", model="large", turn=3),
        rule("near", role="explorer", turn=1),
    )
    async with scripted.serve(script) as model:
        error = await answer_text(model, a_request())
        report = model.request_report()
    assert error["code"] == "script_unmatched"
    assert error["message"].startswith(
        "No rule of the script answers explorer (turn 0). Nearest: rule `script: near`: turn is 0, not 1 | "
        "rule `script: far`: role is explorer, not analyst; model is small, not large; turn is 0, not 3."
    )
    assert report["unmatched"] == [error["message"]]
    assert [line["status"] for line in report["requests"]] == [418]


@pytest.mark.parametrize(
    ("then", "message"),
    [
        ({"json": {"b": 1}}, "its answer is no `Report`: $: 'a' is a required property"),
        ({"text": "Well..."}, "its text is no JSON, but the request asks for `Report`"),
        ({"calls": [{"name": "write"}]}, "it calls the tool `write`, but the request offers read"),
        ({"calls": [{"name": "read"}]}, "the arguments of `read`: $: 'path' is a required property"),
        ({"calls": [{"name": "read", "arguments": "{"}]}, "the arguments of `read` are a text"),
    ],
)
async def test_an_answer_that_violates_the_request_is_an_error_unless_marked_broken(
    then: Any, message: str
) -> None:
    body = a_request(response_format=FORM, tools=[TOOL])
    async with scripted.serve(rules({"name": "wrong", "then": then})) as model:
        error = await answer_text(model, body)
        model.load(rules({"name": "wrong", "then": then | {"broken": True}}))
        meant = await answer_text(model, body)
    assert (error["code"], message in error["message"]) == ("script_wrong", True)
    assert meant is None or isinstance(meant, str)


async def test_a_schema_that_the_system_prompt_describes_counts_too() -> None:
    schema = '{"title":"Report","type":"object","required":["a"]}'
    body = a_request(f"{SYSTEM['explorer']}\n\nThe object must obey this JSON schema:\n\n{schema}\n")
    script = rules({"name": "wrong", "when": {"schema": "Report"}, "then": {"json": {"b": 1}}})
    async with scripted.serve(script) as model:
        error = await answer_text(model, body)
        model.load(rules({"name": "talk", "when": {"schema": "Report"}, "then": {"text": "Here: {}"}}))
        assert await answer_text(model, body) == "Here: {}"
    assert error["message"].endswith("its answer is no `Report`: $: 'a' is a required property.")


async def test_a_heading_may_require_all_properties_of_its_schema() -> None:
    heading = "The object must obey this JSON schema, with all of its properties and no others:"
    schema = '{"title":"Report","type":"object","properties":{"a":{},"b":{}}}'
    body = a_request(f"{SYSTEM['explorer']}\n\n{heading}\n\n{schema}\n")
    async with scripted.serve(rules({"name": "wrong", "then": {"json": {"a": 1}}})) as model:
        error = await answer_text(model, body)
        model.load(rules({"name": "right", "then": {"json": {"a": 1, "b": 2}}}))
        assert await answer_text(model, body) == '{"a": 1, "b": 2}'
    assert error["message"].endswith("its answer is no `Report`: $: 'b' is a required property.")


async def test_a_request_that_is_answered_twice_is_reported() -> None:
    async with scripted.serve(rules(rule("any"))) as model:
        for body in (a_request(), a_request("tests"), a_request()):
            await answer_text(model, body)
        report = model.request_report(bodies=True)
    first = report["requests"][0]
    assert report["answered_twice"] == [first["digest"]]
    assert (report["count"], report["answered"], first["body"]) == (3, 3, a_request())


async def test_scripts_are_used_side_by_side() -> None:
    async with scripted.serve(rules(rule("base"))) as model:
        url = f"{model.root}/_scripted/scripts/mine"
        script = "rules: [{name: mine, when: {anywhere: demo/mine}, then: {text: mine}}]"
        assert (await answer_to("PUT", url, script))[1] == {"scripts": ["mine", "script"], "rules": 1}
        assert await answer_text(model, a_request("explorer", "of demo/mine")) == "mine"
        assert await answer_text(model, a_request()) == "base"
        status, report = await answer_to("GET", f"{model.root}/_scripted/requests?containing=demo/mine")
        assert (status, report["count"]) == (200, 1)
        assert (await answer_to("DELETE", url))[1] == {"scripts": ["script"]}
        assert (await answer_to("DELETE", url))[0] == 404
        assert await answer_text(model, a_request("explorer", "of demo/mine")) == "base"


async def test_another_script_replaces_all() -> None:
    async with scripted.serve(rules(rule("base"))) as model:
        put = await answer_to(
            "PUT", f"{model.root}/_scripted/script", "rules: [{name: new, then: {text: new}}]"
        )
        assert put == (200, {"scripts": ["script"], "rules": 1})
        assert await answer_text(model, a_request()) == "new"
        status, report = await answer_to("PUT", f"{model.root}/_scripted/script", "rules: [{name: worse}]")
        assert (status, report["error"]["message"]) == (400, "script: rules.0.then: Field required.")
        assert await answer_text(model, a_request()) == "new"
        assert await answer_to("GET", f"{model.root}/healthz") == (200, {"scripts": ["script"]})


async def answer_to(method: str, url: str, body: str = "") -> tuple[int, Any]:
    async with httpx.AsyncClient() as http:
        answer = await http.request(method, url, content=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("rules: {", "it is no YAML"),
        ("rules: [{name: a, then: {}}]", "give content"),
        ("rules: [{name: a, then: {text: x, json: 1}}]", "`text` and `json` exclude each other"),
        ("rules: [{name: a, then: {text: x, error: {status: 500}}}]", "give content"),
        ("rules: [{name: a, when: {rôle: x}, then: {text: x}}]", "rules.0.when.rôle: Extra inputs"),
        ("rules: [{name: a, then: {text: x}}, {name: a, then: {text: y}}]", "several rules are named `a`"),
        ("models: {m: {}}\nrules: [{name: a, when: {model: n}, then: {text: x}}]", "add it to `models`"),
        ("just words", "Input should be"),
    ],
)
def test_invalid_scripts_are_rejected_with_a_sentence(script: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse_script(script, "it")
    assert message in str(caught.value)
    assert str(caught.value).startswith("it")
