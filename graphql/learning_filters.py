"""Which dialogues, policy dossiers, networks and experiments a list holds, in words that clients choose by."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from ..domain.vocabulary import (
    DialogueStatus,
    DossierStatus,
    ExperimentStatus,
    Finding,
    InvestigationStatus,
    LearningKind,
    NetworkStatus,
    PolicyQuestion,
    PromiseStatus,
    StepStatus,
)
from ..projections.derivation.investigations import PUBLISHED
from ..projections.queries.streams import StreamChoice
from . import ids
from .filters import Period, ids_of, marks_of, organisations_of, period_of, texts_of

_HAS_A_PART = "In which one of these organisations has a part."
_OF_CAUSES = "That are linked with one of these causes."
_ALL = "all conditions must hold, and of several values any."


@strawberry.input(description=f"Which dialogues a list holds: {_ALL}")
class DialogueFilter:
    """Conditions on dialogues."""

    statuses: list[DialogueStatus] | None = strawberry.field(default=None, description="That have come so far.")
    themes: list[str] | None = strawberry.field(default=None, description="Of one of these themes.")
    conveners: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations convened."
    )
    organisations: list[strawberry.ID] | None = strawberry.field(default=None, description=_HAS_A_PART)
    causes: list[strawberry.ID] | None = strawberry.field(default=None, description=_OF_CAUSES)
    steps: list[StepStatus] | None = strawberry.field(
        default=None, description="With a step of which this became; RUNNING: those that are still to be followed."
    )
    with_action_team: bool | None = strawberry.field(
        default=None, description="True: only those that an action team was formed in; otherwise both."
    )
    begun: Period | None = strawberry.field(default=None, description="Convened in this period.")


@strawberry.input(description=f"Which policy dossiers a list holds: {_ALL}")
class PolicyDossierFilter:
    """Conditions on policy dossiers."""

    statuses: list[DossierStatus] | None = strawberry.field(default=None, description="That have come so far.")
    themes: list[str] | None = strawberry.field(default=None, description="Of one of these themes.")
    owners: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That are one of these organisations' own."
    )
    organisations: list[strawberry.ID] | None = strawberry.field(default=None, description=_HAS_A_PART)
    open_questions: list[PolicyQuestion] | None = strawberry.field(
        default=None, description="In which one of these questions has no answer."
    )
    barriers: list[str] | None = strawberry.field(
        default=None, description="In which one of these barriers was met, by slug."
    )
    promises: list[PromiseStatus] | None = strawberry.field(
        default=None, description="With a promise that was kept, or that was not yet."
    )
    causes: list[strawberry.ID] | None = strawberry.field(default=None, description=_OF_CAUSES)
    dialogues: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That are linked with one of these dialogues."
    )
    begun: Period | None = strawberry.field(default=None, description="Opened in this period.")


@strawberry.input(description=f"Which networks a list holds: {_ALL}")
class NetworkFilter:
    """Conditions on networks."""

    statuses: list[NetworkStatus] | None = strawberry.field(default=None, description="With or without members.")
    members: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Of which one of these organisations is a member at asOf."
    )
    themes: list[str] | None = strawberry.field(default=None, description="That work on one of these themes.")
    organisations: list[strawberry.ID] | None = strawberry.field(default=None, description=_HAS_A_PART)
    causes: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That raised a signal about one of these causes."
    )
    with_unanswered_signals: bool | None = strawberry.field(
        default=None, description="True: only those with a signal that nobody answered; otherwise both."
    )
    begun: Period | None = strawberry.field(default=None, description="Founded in this period.")


@strawberry.input(description=f"Which experiments a list holds: {_ALL}")
class ExperimentFilter:
    """Conditions on experiments."""

    statuses: list[ExperimentStatus] | None = strawberry.field(default=None, description="That have come so far.")
    themes: list[str] | None = strawberry.field(default=None, description="Of one of these themes.")
    findings: list[Finding] | None = strawberry.field(default=None, description="That showed this.")
    run_by: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations runs."
    )
    organisations: list[strawberry.ID] | None = strawberry.field(default=None, description=_HAS_A_PART)
    causes: list[strawberry.ID] | None = strawberry.field(default=None, description=_OF_CAUSES)
    adopted: bool | None = strawberry.field(
        default=None, description="True: only those that somebody adopted; otherwise both."
    )
    begun: Period | None = strawberry.field(default=None, description="Started in this period.")


@strawberry.input(description=f"Which investigations a list holds, of those that you may know of: {_ALL}")
class InvestigationFilter:
    """Conditions on investigations."""

    statuses: list[InvestigationStatus] | None = strawberry.field(default=None, description="That have come so far.")
    programmes: list[str] | None = strawberry.field(default=None, description="Of one of these programmes.")
    organisations: list[strawberry.ID] | None = strawberry.field(default=None, description=_HAS_A_PART)
    begun: Period | None = strawberry.field(default=None, description="Opened in this period.")


def marks_known_to(user: str) -> list[str]:
    """Return the marks of which an investigation has one if somebody may know of it."""
    return [PUBLISHED, f"investigator={user}"]


def investigation_choice(chosen: InvestigationFilter | None, user: str) -> StreamChoice:
    """Return what a filter means to somebody, who may know of those published and of their own. Raises ``Problem``."""
    asked = chosen or InvestigationFilter()
    known = marks_known_to(user)
    programmes = marks_of("programme", texts_of(asked.programmes, "programmes"))
    return _choice(LearningKind.INVESTIGATION, asked, None, marks=(known, programmes), links=())


def dialogue_choice(chosen: DialogueFilter | None) -> StreamChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return StreamChoice(LearningKind.DIALOGUE)
    return _choice(
        LearningKind.DIALOGUE,
        chosen,
        chosen.themes,
        marks=(
            marks_of("convener", organisations_of(chosen.conveners, "conveners")),
            marks_of("step", chosen.steps),
            ["team=FORMED"] if chosen.with_action_team else None,
        ),
        links=(ids_of(chosen.causes, ids.CAUSE, "causes"),),
    )


def dossier_choice(chosen: PolicyDossierFilter | None) -> StreamChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return StreamChoice(LearningKind.POLICY_DOSSIER)
    return _choice(
        LearningKind.POLICY_DOSSIER,
        chosen,
        chosen.themes,
        marks=(
            marks_of("owner", organisations_of(chosen.owners, "owners")),
            marks_of("open", chosen.open_questions),
            marks_of("barrier", texts_of(chosen.barriers, "barriers")),
            marks_of("promise", chosen.promises),
        ),
        links=(ids_of(chosen.causes, ids.CAUSE, "causes"), ids_of(chosen.dialogues, ids.DIALOGUE, "dialogues")),
    )


def network_choice(chosen: NetworkFilter | None) -> StreamChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return StreamChoice(LearningKind.NETWORK)
    return _choice(
        LearningKind.NETWORK,
        chosen,
        None,
        marks=(
            marks_of("member", organisations_of(chosen.members, "members")),
            marks_of("theme", texts_of(chosen.themes, "themes")),
            ["signal=UNANSWERED"] if chosen.with_unanswered_signals else None,
        ),
        links=(ids_of(chosen.causes, ids.CAUSE, "causes"),),
    )


def experiment_choice(chosen: ExperimentFilter | None) -> StreamChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return StreamChoice(LearningKind.EXPERIMENT)
    return _choice(
        LearningKind.EXPERIMENT,
        chosen,
        chosen.themes,
        marks=(
            marks_of("finding", chosen.findings),
            marks_of("runs", organisations_of(chosen.run_by, "runBy")),
            ["adopted=YES"] if chosen.adopted else None,
        ),
        links=(ids_of(chosen.causes, ids.CAUSE, "causes"),),
    )


def _choice(
    kind: LearningKind,
    chosen: DialogueFilter | InvestigationFilter | PolicyDossierFilter | NetworkFilter | ExperimentFilter,
    themes: list[str] | None,
    *,
    marks: Sequence[Sequence[str] | None],
    links: Sequence[Sequence[UUID] | None],
) -> StreamChoice:
    """Return the choice with what all filters have."""
    begun = period_of(chosen.begun, "begun")
    return StreamChoice(
        kind,
        statuses=chosen.statuses,
        themes=texts_of(themes, "themes"),
        organisations=organisations_of(chosen.organisations, "organisations"),
        begun_from=begun.from_,
        begun_until=begun.until,
        marks=tuple(one for one in marks if one is not None),
        links=tuple(one for one in links if one is not None),
    )
