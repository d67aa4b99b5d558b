"""Proven environments as rows of a table and as JSON."""

from swefoundry.drafts.proven_environment import MAX_SURPLUS_REFUSALS, ProvenEnvironment, ReuseStats

MEMORY_COLUMNS = ("repo", "version", "date", "by", "image", "reused", "refused", "state", "from")


def reuse_state(trials: ReuseStats, reference: bool) -> str:
    """Whether the strategy `reuse` will try the environment again."""
    if reference:
        return "reference"
    surplus = trials.refused - trials.accepted
    if surplus < MAX_SURPLUS_REFUSALS:
        return "usable"
    return "last resort" if surplus == MAX_SURPLUS_REFUSALS else "demoted"


def environment_cells(environment: ProvenEnvironment) -> tuple[object, ...]:
    known, trials = environment.known, environment.trials
    return (
        known.repo,
        known.version,
        known.created_at.date() if known.created_at else "",
        known.strategy,
        known.image[: len("sha256:") + 12],
        trials.accepted,
        trials.refused,
        reuse_state(trials, environment.reference),
        known.env_build,
    )


def environment_json(environment: ProvenEnvironment) -> dict[str, object]:
    return {
        **environment.known.to_json_dict(),
        "trials": environment.trials.to_json_dict(),
        "state": reuse_state(environment.trials, environment.reference),
    }
