"""The schema: the names that users rely on, a description on everything, and the committed SDL."""

from pathlib import Path
from typing import Any

import graphql
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

from knelpunt.domain.command import COMMANDS, RefusalCode
from knelpunt.domain.vocabulary import GapKind, Role
from knelpunt.graphql.schema import SCHEMA, sdl

# Any, because each kind of type has attributes of its own: fields, values, args.
MADE: dict[str, Any] = SCHEMA.type_map
# The contract's own words, what it says of later issues left out: log, Event.proof, causes, Gap.cause.
CONTRACT = {
    "Query": "registry viewer node",
    "Registry": "asOf knownAt position gapCursor case cases chains gaps interfaces organisation organisations search",
    "Case": "id reference title theme status openedAt closedAt organisations obstacles gaps conflicts timeline "
    "crossChains",
    "Obstacle": "id case origin status reportedAt settledAt holder chain triggeredBy triggered",
    "Chain": "obstacle segments organisations gaps fellBetweenTheCracks handoffsOffered handoffsAccepted "
    "handoffsRefused referrals contacts storyRetold daysOpen daysInGap longestGapDays",
    "Segment": "kind organisation claimed from until enteredBy leftBy",
    "Gap": "id kind from until open counts days toAct involved selfNoticed case obstacle length evidence accounts "
    "acknowledgements",
    "Event": "id position type stream version occurredAt recordedAt inferred source actor data summary case",
    "Refused": "code message facts",
    "GapFilter": "kinds toAct involved open counts overlaps minDays harms themes case",
    "Subscription": "events gapOpened",
    "GapOpened": "cursor at gap",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "GapConnection": "edges nodes pageInfo totalCount",
}
ARGUMENTS = {
    "Query.registry": "asOf knownAt atLeast",
    "Query.node": "id asOf knownAt",
    "Registry.case": "id reference knownTo",
    "Registry.cases": "filter orderBy first after",
    "Registry.chains": "filter orderBy first after",
    "Registry.gaps": "filter orderBy first after",
    "Registry.interfaces": "filter orderBy first skip",
    "Registry.organisation": "id identifier",
    "Registry.organisations": "filter first after",
    "Registry.search": "text first after",
    "Case.timeline": "first after startAt",
    "Event.summary": "language",
    "Subscription.events": "after types organisations",
    "Subscription.gapOpened": "organisations kinds after",
}
TYPES = {
    "Registry.asOf": "DateTime!",
    "Registry.position": "Position!",
    "Registry.case": "Case",
    "Registry.gaps": "GapConnection!",
    "Registry.interfaces": "[Interface!]!",
    "Registry.search": "SearchConnection!",
    "Segment.enteredBy": "Event!",
    "Segment.leftBy": "Event",
    "Gap.evidence": "[Event!]!",
    "GapOpened.cursor": "GapCursor!",
    "Event.position": "Position!",
    "Event.data": "JSON!",
    "Event.summary": "String!",
    "GapConnection.totalCount": "Int!",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_s_names(name):
    """Every type has the fields that the contract promises."""
    assert set(CONTRACT[name].split()) <= set(MADE[name].fields)


@pytest.mark.parametrize("place", ARGUMENTS)
def test_the_contract_s_arguments(place):
    """Fields take the arguments that the contract promises, and no others."""
    type_, field = place.split(".")
    assert set(ARGUMENTS[place].split()) == set(MADE[type_].fields[field].args)


@pytest.mark.parametrize("place", TYPES)
def test_the_contract_s_types(place):
    """Fields are of the types that the contract gives them."""
    type_, field = place.split(".")
    assert str(MADE[type_].fields[field].type) == TYPES[place]


def test_things_are_nodes():
    """Whatever the contract calls a Node is one."""
    assert {type_.name for type_ in SCHEMA.get_possible_types(MADE["Node"])} == {
        "Case", "Cause", "Dialogue", "Experiment", "Investigation", "Network", "PolicyDossier", "Obstacle", "Gap",
        "Event", "Organisation",
    }  # fmt: skip


def test_every_command_is_a_mutation():
    """Each takes one input and answers with its own payload, which has its position, or a refusal."""
    assert SCHEMA.mutation_type is not None
    fields = SCHEMA.mutation_type.fields
    assert set(fields) == {name[0].lower() + name[1:] for name in COMMANDS}
    for name in COMMANDS:
        field = fields[name[0].lower() + name[1:]]
        assert {argument: str(given.type) for argument, given in field.args.items()} == {"input": f"{name}Input!"}
        assert isinstance(field.type, GraphQLNonNull)
        assert [member.name for member in field.type.of_type.types] == [f"{name}Payload", "Refused"]
        assert str(MADE[f"{name}Payload"].fields["position"].type) == "Position!"
        optional = {"commandId", "occurredAt", "expectedVersion", "precision", "knownTo"}
        given = MADE[f"{name}Input"].fields
        assert all(not isinstance(given[field].type, GraphQLNonNull) for field in optional)


@pytest.mark.parametrize(("name", "enumeration"), [("GapKind", GapKind), ("Role", Role), ("RefusalCode", RefusalCode)])
def test_enumerations_are_the_domain_s(name, enumeration):
    """An enumeration has the domain's values, by the domain's names."""
    assert set(MADE[name].values) == {member.value for member in enumeration}


def test_gaps_count_unless_asked_otherwise():
    """The filter's default, and that of a case's and a chain's gaps, is those that count."""
    assert MADE["GapFilter"].fields["counts"].default_value is True
    for type_ in ("Case", "Chain", "CrossChain"):
        assert MADE[type_].fields["gaps"].args["counts"].default_value is True


def test_everything_is_described():
    """Every type, field, argument and input has a description that ends as a sentence or an example does."""
    missing = []
    for name, type_ in SCHEMA.type_map.items():
        if name.startswith("__") or graphql.is_specified_scalar_type(type_):
            continue
        described = [(name, type_.description)]
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                described.append((f"{name}.{field_name}", field.description))
                for argument_name, argument in getattr(field, "args", {}).items():
                    described.append((f"{name}.{field_name}({argument_name})", argument.description))
        else:
            assert isinstance(type_, GraphQLEnumType | GraphQLScalarType | graphql.GraphQLUnionType)
        missing += [place for place, description in described if not description or len(description) < 4]
    assert missing == []


def test_the_committed_sdl():
    """graphql/schema.graphql is what the code makes; 'make schema' writes it anew."""
    committed = (Path(__file__).parents[2] / "graphql/schema.graphql").read_text(encoding="utf-8")
    assert committed == sdl()
    graphql.assert_valid_schema(graphql.build_schema(committed))


def test_graphql_is_graphql_core():
    """Our own folder of that name does not stand in the way of the library."""
    assert hasattr(graphql, "GraphQLSchema")
