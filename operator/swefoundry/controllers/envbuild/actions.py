"""Actions of a step: the only place where an EnvBuild's reconcile starts pods, collects results and stores drafts."""

from swefoundry import errors
from swefoundry.api import reasons
from swefoundry.api.envbuild import ProbeResult
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.controllers.envbuild.agent_rounds import collect_draft, launch_agent
from swefoundry.controllers.envbuild.base_image_check import remember_missing_image
from swefoundry.controllers.envbuild.next_round import start_round
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.reuse.checkout_work import collect_checkout, start_checkout
from swefoundry.controllers.envbuild.round_transitions import missing_result_message
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.steps import (
    AgentBudgetSpent,
    AgentsRequested,
    BuildFinished,
    EndAgents,
    ProbeFinished,
    RequestAgents,
    Result,
    RetryLater,
    RoundStarted,
    StartRound,
    Step,
    WaitForSearch,
)
from swefoundry.controllers.steps import RunWork
from swefoundry.drafts.proposal import Proposal
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses
from swefoundry.text.log_excerpt import log_excerpt
from swefoundry.workloads import names
from swefoundry.workloads.attempt import WorkKind
from swefoundry.workloads.build.launch import BuildRequest, launch_build
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, Wait, after_lost_log
from swefoundry.workloads.evaluation.evidence import store_evidence
from swefoundry.workloads.evaluation.launch import (
    EvaluationRequest,
    failed_nodes,
    launch_evaluation,
    network_open,
)
from swefoundry.workloads.intake.launch import IntakeRequest, finished_intake, launch_intake
from swefoundry.workloads.lifecycle import (
    MoveActions,
    count_finished_pod,
    gather_partial,
    new_attempt_ref,
    perform_move,
)

LEADER_WAIT = "sibling"
"""Subject of a wait for another EnvBuild, in condition messages."""

ActionOutcome = tuple[list[Result], errors.SwefoundryError | None]
"""The results, and the first error. The results are written to the status before the error is raised."""


async def act(step: Step, observed: Observation, context: EnvBuildContext) -> ActionOutcome:
    """Do ``step``. Every action is idempotent.

    Leadership changes hands before the first ``await``: no other reconcile may decide in between.
    """
    match step:
        case RunWork(moves):
            return await gather_partial(perform_move(move, _ACTIONS, observed, context) for move in moves)
        case StartRound(proposal, leads):
            context.coordination.stop_waiting(observed.build)
            if leads:
                context.coordination.become_leader(observed.build)
            return await gather_partial([_start_round(proposal, observed, context)])
        case _:
            return _act_at_once(step, observed, context)


def _act_at_once(step: Step, observed: Observation, context: EnvBuildContext) -> ActionOutcome:
    """The actions that need neither the cluster nor the registry."""
    match step:
        case RequestAgents():
            context.coordination.stop_waiting(observed.build)
            context.coordination.become_leader(observed.build)
            return [AgentsRequested()], None
        case EndAgents(message):
            return [AgentBudgetSpent(message)], None
        case WaitForSearch(message, seconds, reason):
            context.coordination.wait_for_leader(observed.build, reason)
            return [Wait(LEADER_WAIT, reasons.WAITING_FOR_SIBLING, message, seconds)], None
        case RetryLater(error):
            return [], error
    return [], None


async def _start_round(proposal: Proposal, observed: Observation, context: ReconcileContext) -> Result:
    return RoundStarted(await start_round(proposal, observed, context))


async def _launch_intake(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    spec = observed.build.spec
    request = IntakeRequest(spec.repo, observed.repository, spec.source, spec.base_commit, spec.version)
    return await launch_intake(context, new_attempt_ref(observed.owner, move), move, request)


async def _launch_build(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    prepared, current = observed.require_source(), observed.open_round
    if current is None:
        raise errors.PermanentError(f"{observed.build.name}: a build without a round")
    request = BuildRequest(
        repository=observed.repository,
        source=prepared.source,
        draft=await context.draft(observed.repository, current.draft),
        tag=observed.image_tag(current),
        composed=current.composed,
    )
    return await launch_build(context, new_attempt_ref(observed.owner, move), move, request)


async def _launch_probe(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    prepared, current, stage = observed.require_source(), observed.open_round, move.work.evaluated_stage
    if current is None or current.image is None:
        raise errors.PermanentError(f"{observed.build.name}: a probe without an image")
    request = EvaluationRequest(
        repository=observed.repository,
        image=current.image,
        stage=stage,
        layer=observed.layers[stage],
        tag=names.tag(observed.build.namespace, observed.build.name, f"{current.index}.{stage.value}"),
        draft=await context.draft(observed.repository, current.draft),
        facts=prepared.facts,
        validation=observed.build.spec.validation,
        avoid_nodes=failed_nodes(observed.build.status.attempts, move.work),
        check_imports=True,
    )
    return await launch_evaluation(context, new_attempt_ref(observed.owner, move), move, request)


async def _collect_probe(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    evidence = await store_evidence(context, observed.build.namespace, observed.repository, move)
    if evidence is None:
        return after_lost_log(move, observed.work_state)
    count_finished_pod(move)
    record, counts = evidence.record, evidence.reports.counts
    reported = bool(evidence.reports.statuses)
    probe = ProbeResult(
        stage=move.work.evaluated_stage,
        code=record.code,
        raw_exit=record.raw_exit,
        tests=counts.total if reported else None,
        failed=counts.failed + counts.errors if reported else None,
        passed=counts.passed if reported else None,
        seconds=record.duration_ms / 1000,
        measured=record.measured,
        running=record.running,
        not_failing=await _tolerated_not_failing(evidence.reports.statuses, observed, context),
        outcomes=evidence.outcomes,
        evidence=evidence.digest,
    )
    validation = observed.build.spec.validation
    problem = missing_result_message(record, validation.timeout_seconds)
    excerpt = "\n".join(part for part in (problem, log_excerpt(evidence.log)) if part)
    return ProbeFinished(move, probe, excerpt, network_open(record, validation, context.settings))


async def _tolerated_not_failing(
    statuses: CaseStatuses, observed: Observation, context: ReconcileContext
) -> list[str]:
    """Tests that the round's draft tolerates and that did not fail."""
    current = observed.open_round
    if current is None or not current.tolerated:
        return []
    draft = await context.draft(observed.repository, current.draft)
    failing = {CaseStatus.FAILED, CaseStatus.ERROR}
    return [test for test in draft.tolerated_failures if statuses.get(test) not in failing]


async def _collect_intake(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    return finished_intake(move)


async def _collect_build(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    count_finished_pod(move)
    record, current = BuildResult.model_validate(move.result.record), observed.open_round
    if record.code == ExitCode.BASE_IMAGE_MISSING and current is not None:
        draft = await context.draft(observed.repository, current.draft)
        remember_missing_image(record, draft, context)
    return BuildFinished(move, record)


_ACTIONS = MoveActions[Observation, EnvBuildContext, Result](
    start={
        WorkKind.INTAKE: _launch_intake,
        WorkKind.CHECKOUT: start_checkout,
        WorkKind.BUILD: _launch_build,
        WorkKind.AGENT: launch_agent,
        WorkKind.EVALUATION: _launch_probe,
    },
    collect={
        WorkKind.INTAKE: _collect_intake,
        WorkKind.CHECKOUT: collect_checkout,
        WorkKind.BUILD: _collect_build,
        WorkKind.AGENT: collect_draft,
        WorkKind.EVALUATION: _collect_probe,
    },
)
