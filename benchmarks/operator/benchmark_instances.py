"""Minimal instances for measurements: a shell script with a bug, its fix and its test."""

from cluster.sample_instances import Json, SampleRepository, a_task, make_shell_repository

UNIQUE_OUTPUT = "echo run; date; cat /proc/sys/kernel/random/uuid"
"""Commands whose output differs in every run, so that no evidence exists in the registry before."""


def benchmark_repository(name: str) -> SampleRepository:
    """A repository on the lab's git server."""
    return make_shell_repository(name)


def a_benchmark_task(
    name: str, repository: SampleRepository, namespace: str, repeats: int, seconds: float
) -> Json:
    """A TaskInstance with a fixed draft; all instances of one repository share its image."""
    command = f"{UNIQUE_OUTPUT}; sleep {seconds:g}; sh check.sh"
    task = a_task(name, repository, command, namespace)
    task["spec"]["repo"] = "bench/shell"
    task["spec"]["validation"] |= {"repeats": repeats, "minRepeats": repeats}
    return task
