"""Base images that do not exist end rounds without a build, and are remembered for all rows."""

from simulated.scripted_pods import ScriptedPods
from unit.controllers.agents_simulation import a_draft, a_simulation, agent_specs, attempts, build, written

IMAGE = "python:3.11-slim"
LONG_NAME = "docker.io/library/python:3.11-slim"
NOT_PULLED = {
    "code": 41,
    "image": None,
    "message": f"A base image cannot be pulled: initializing source docker://{IMAGE}: manifest unknown",
}
FIXED = {
    "environment": {
        "strategies": ["fixed"],
        "draft": {"dockerfile": a_draft(0).dockerfile, "testCommand": "x"},
    }
}


def outcomes(simulation):
    return [item["outcome"] for item in build(simulation)["rounds"]]


async def test_an_image_that_a_build_could_not_pull_is_recorded(server, proxy, seeded):
    simulation = a_simulation(server, proxy, seeded, ScriptedPods(seeded, build=NOT_PULLED), spec=FIXED)
    await simulation.run()
    assert outcomes(simulation) == ["BaseImageMissing"]
    assert simulation.context.base_images.known_missing == [LONG_NAME]


async def test_a_draft_with_an_image_that_is_known_to_be_missing_is_not_built(server, proxy, seeded):
    simulation = a_simulation(server, proxy, seeded, spec=FIXED)
    simulation.check = lambda: simulation.context.base_images.remember_missing(IMAGE)
    await simulation.run()
    assert outcomes(simulation) == ["BaseImageMissing"]
    assert build(simulation)["rounds"][0]["message"] == (
        "The registry says that python:3.11-slim does not exist; images that exist: python:3.9-slim, python:3.13-slim."
    )
    assert not [work for _, work, _ in attempts(simulation) if work.startswith("build")]


async def test_agents_are_given_the_images_of_the_language_and_those_that_are_missing(server, proxy, seeded):
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    simulation = a_simulation(server, proxy, seeded, script)
    simulation.check = lambda: simulation.context.base_images.remember_missing("python:3.9-slim")
    await simulation.run()
    [spec] = agent_specs(simulation)
    assert (spec["baseImages"], spec["missingImages"]) == (
        ["python:3.11-slim", "python:3.13-slim"],
        ["docker.io/library/python:3.9-slim"],
    )
