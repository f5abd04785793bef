"""The lists of dialogues, policy dossiers, investigations and so on, and the question for one, for ``Registry``."""

from typing import Annotated

import strawberry

from ..domain.vocabulary import LearningKind
from ..projections.queries.streams import StreamOrder
from .cases import After, First
from .dialogues import Dialogue, DialogueConnection, DialogueEdge
from .dossiers import PolicyDossier, PolicyDossierConnection, PolicyDossierEdge
from .experiments import Experiment, ExperimentConnection, ExperimentEdge
from .investigations import Investigation, InvestigationConnection, InvestigationEdge
from .learning import stream_by_id, stream_page
from .learning_filters import (
    DialogueFilter,
    ExperimentFilter,
    InvestigationFilter,
    NetworkFilter,
    PolicyDossierFilter,
    dialogue_choice,
    dossier_choice,
    experiment_choice,
    investigation_choice,
    network_choice,
)
from .networks import Network, NetworkConnection, NetworkEdge
from .programmes import Programme, ProgrammeConnection, programme_by_name, programme_page
from .standing import Strategy
from .strategies import StrategyConnection, StrategyFilter, strategy_by_id, strategy_choice, strategy_page
from .view import View

StreamIdArgument = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
ProgrammeArgument = Annotated[str, strawberry.argument(description="Its name, as a slug: 'kafka-jeugd'.")]
StreamOrderArgument = Annotated[StreamOrder, strawberry.argument(description="In which order.")]
DialogueFilterArgument = Annotated[DialogueFilter | None, strawberry.argument(description="Which dialogues.")]
PolicyDossierFilterArgument = Annotated[
    PolicyDossierFilter | None, strawberry.argument(description="Which policy dossiers.")
]
InvestigationFilterArgument = Annotated[
    InvestigationFilter | None, strawberry.argument(description="Which investigations.")
]
NetworkFilterArgument = Annotated[NetworkFilter | None, strawberry.argument(description="Which networks.")]
StrategyFilterArgument = Annotated[StrategyFilter | None, strawberry.argument(description="Which strategies.")]
ExperimentFilterArgument = Annotated[ExperimentFilter | None, strawberry.argument(description="Which experiments.")]


@strawberry.type
class LearningLists:
    """What the registry holds of what cases teach, beside causes."""

    view: strawberry.Private[View]

    @strawberry.field(description="One dialogue, by its id; null if it had not been convened by then.")
    async def dialogue(
        self,
        id: StreamIdArgument,  # noqa: A002
    ) -> Dialogue | None:
        """Return one dialogue."""
        return await stream_by_id(self.view, LearningKind.DIALOGUE, id, Dialogue)

    @strawberry.field(description="The dialogues: moderated conversations, each about one problem.")
    async def dialogues(
        self,
        filter: DialogueFilterArgument = None,  # noqa: A002
        order_by: StreamOrderArgument = StreamOrder.BEGUN_NEWEST,
        first: First = None,
        after: After = None,
    ) -> DialogueConnection:
        """Return a page of dialogues."""
        kinds = (DialogueConnection, DialogueEdge, Dialogue)
        return await stream_page(self.view, kinds, dialogue_choice(filter), order_by, first, after)

    @strawberry.field(
        description="One investigation, by its id; null if it had not been opened by then, or you may not know of it."
    )
    async def investigation(
        self,
        id: StreamIdArgument,  # noqa: A002
    ) -> Investigation | None:
        """Return one investigation."""
        return await stream_by_id(self.view, LearningKind.INVESTIGATION, id, Investigation)

    @strawberry.field(description="The investigations that were published, and those that you are on.")
    async def investigations(
        self,
        filter: InvestigationFilterArgument = None,  # noqa: A002
        order_by: StreamOrderArgument = StreamOrder.BEGUN_NEWEST,
        first: First = None,
        after: After = None,
    ) -> InvestigationConnection:
        """Return a page of investigations."""
        kinds = (InvestigationConnection, InvestigationEdge, Investigation)
        choice = investigation_choice(filter, self.view.asker.user)
        return await stream_page(self.view, kinds, choice, order_by, first, after)

    @strawberry.field(description="One policy dossier, by its id; null if it had not been opened by then.")
    async def policy_dossier(
        self,
        id: StreamIdArgument,  # noqa: A002
    ) -> PolicyDossier | None:
        """Return one policy dossier."""
        return await stream_by_id(self.view, LearningKind.POLICY_DOSSIER, id, PolicyDossier)

    @strawberry.field(description="The policy dossiers: the questions of the Beleidskompas, each on one problem.")
    async def policy_dossiers(
        self,
        filter: PolicyDossierFilterArgument = None,  # noqa: A002
        order_by: StreamOrderArgument = StreamOrder.BEGUN_NEWEST,
        first: First = None,
        after: After = None,
    ) -> PolicyDossierConnection:
        """Return a page of policy dossiers."""
        kinds = (PolicyDossierConnection, PolicyDossierEdge, PolicyDossier)
        return await stream_page(self.view, kinds, dossier_choice(filter), order_by, first, after)

    @strawberry.field(description="One network, by its id; null if it had not been founded by then.")
    async def network(
        self,
        id: StreamIdArgument,  # noqa: A002
    ) -> Network | None:
        """Return one network."""
        return await stream_by_id(self.view, LearningKind.NETWORK, id, Network)

    @strawberry.field(description="The networks: organisations that learn and speak together.")
    async def networks(
        self,
        filter: NetworkFilterArgument = None,  # noqa: A002
        order_by: StreamOrderArgument = StreamOrder.BEGUN_NEWEST,
        first: First = None,
        after: After = None,
    ) -> NetworkConnection:
        """Return a page of networks."""
        kinds = (NetworkConnection, NetworkEdge, Network)
        return await stream_page(self.view, kinds, network_choice(filter), order_by, first, after)

    @strawberry.field(description="One experiment, by its id; null if it had not been started by then.")
    async def experiment(
        self,
        id: StreamIdArgument,  # noqa: A002
    ) -> Experiment | None:
        """Return one experiment."""
        return await stream_by_id(self.view, LearningKind.EXPERIMENT, id, Experiment)

    @strawberry.field(description="The experiments: trials in the field of something that may work.")
    async def experiments(
        self,
        filter: ExperimentFilterArgument = None,  # noqa: A002
        order_by: StreamOrderArgument = StreamOrder.BEGUN_NEWEST,
        first: First = None,
        after: After = None,
    ) -> ExperimentConnection:
        """Return a page of experiments."""
        kinds = (ExperimentConnection, ExperimentEdge, Experiment)
        return await stream_page(self.view, kinds, experiment_choice(filter), order_by, first, after)

    @strawberry.field(description="One strategy, by its id; null if nobody had shared it by then.")
    async def strategy(
        self,
        id: StreamIdArgument,  # noqa: A002
    ) -> Strategy | None:
        """Return one strategy."""
        return await strategy_by_id(self.view, id)

    @strawberry.field(
        description="The ways of working that organisations share, solution teams above all; the last shared first."
    )
    async def strategies(
        self,
        filter: StrategyFilterArgument = None,  # noqa: A002
        first: First = None,
        after: After = None,
    ) -> StrategyConnection:
        """Return a page of strategies."""
        return await strategy_page(self.view, strategy_choice(filter), first, after)

    @strawberry.field(
        description="One programme, by its name; null if no investigation that you may know of was part of it by then."
    )
    async def programme(self, name: ProgrammeArgument) -> Programme | None:
        """Return one programme."""
        return await programme_by_name(self.view, name)

    @strawberry.field(description="The programmes that investigations are part of, by name.")
    async def programmes(self, first: First = None, after: After = None) -> ProgrammeConnection:
        """Return a page of programmes."""
        return await programme_page(self.view, first, after)
