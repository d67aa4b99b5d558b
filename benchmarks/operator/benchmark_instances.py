"""Instances that are measured, the smallest real ones: a shell script with a bug, its fix and its test."""

from cluster.sample_instances import Json, SampleRepository, a_task, make_shell_repository

NOISE = "echo run; date; cat /proc/sys/kernel/random/uuid"
"""Output differs in every run, so that no evidence is stored already."""


def benchmark_repository(name: str) -> SampleRepository:
    """A repository on the lab's git server."""
    return make_shell_repository(name)


def a_benchmark_task(
    name: str, story: SampleRepository, namespace: str, repeats: int, seconds: float
) -> Json:
    """A fixed draft; every instance of one story shares its image."""
    command = f"{NOISE}; sleep {seconds:g}; sh check.sh"
    task = a_task(name, story, command, namespace)
    task["spec"]["repo"] = "bench/shell"
    task["spec"]["validation"] |= {"repeats": repeats}
    return task
