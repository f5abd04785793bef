"""What can be got over REST: each resource with its address, its question in GraphQL, and what becomes of the answer.

There is no way to the data here but the GraphQL schema, asked in process as any client asks it; so rights, records of
who read what of whom, and limits are those of the question. The module is long because it is a list, each
entry of which says all about one resource.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from msgspec import Struct

from ...domain.vocabulary import GapKind, Harm
from ...graphql.enumerations import CaseStatus, EventType
from ...projections.queries.cases import CaseOrder
from ...projections.queries.gaps import GapOrder
from . import parameters as p
from .parameters import Parameter

BASE: Final = "/api/v1"

ORGANISATION: Final = "{ identifier name }"
CASE: Final = f"""
id reference title theme status openedAt closedAt organisations {ORGANISATION} coordinator {ORGANISATION}
"""
OBSTACLE: Final = f"id status reportedAt settledAt experiencedAt {ORGANISATION} holder {ORGANISATION}"
GAP: Final = f"""
id kind from until open counts days selfNoticed toAct {ORGANISATION} involved {ORGANISATION} cases {{ reference }}
obstacle {{ id }} cause {{ id }}
"""
EVENT: Final = f"""
id position type stream version occurredAt precision recordedAt inferred source
actor {{ organisation {ORGANISATION} role user }} data summary case {{ reference }}
"""
TIMES: Final = "$asOf: DateTime, $knownAt: DateTime"
LENS: Final = "asOf: $asOf, knownAt: $knownAt"

CASES: Final = f"""
query({TIMES}, $filter: CaseFilter, $order: CaseOrder!, $first: Int, $after: String) {{
  registry({LENS}) {{ asOf knownAt position
    page: cases(filter: $filter, orderBy: $order, first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ {CASE} }} }} }} }}
"""
ONE_CASE: Final = f"""
query({TIMES}, $reference: String!) {{
  registry({LENS}) {{ asOf knownAt position
    case(reference: $reference) {{ {CASE} obstacles {{ {OBSTACLE} }} }} }} }}
"""
TIMELINE: Final = f"""
query({TIMES}, $reference: String!, $first: Int, $after: String) {{
  registry({LENS}) {{ asOf knownAt position
    case(reference: $reference) {{ page: timeline(first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ {EVENT} }} }} }} }} }}
"""
GAPS: Final = f"""
query({TIMES}, $filter: GapFilter, $order: GapOrder!, $first: Int, $after: String) {{
  registry({LENS}) {{ asOf knownAt position
    page: gaps(filter: $filter, orderBy: $order, first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ {GAP} }} }} }} }}
"""
CASE_GAPS: Final = f"""
query({TIMES}, $reference: String!, $counts: Boolean) {{
  registry({LENS}) {{ asOf knownAt position
    case(reference: $reference) {{ gaps(counts: $counts) {{ {GAP} }} }} }} }}
"""
EVENTS: Final = f"""
query({TIMES}, $types: [EventType!], $first: Int, $after: Position) {{
  registry({LENS}) {{ asOf knownAt position
    events(types: $types, first: $first, after: $after) {{ until more nodes {{ {EVENT} }} }} }} }}
"""
ONE_GAP: Final = f"query({TIMES}, $id: ID!) {{ node(id: $id, {LENS}) {{ ... on Gap {{ {GAP} }} }} }}"
ONE_EVENT: Final = f"query({TIMES}, $id: ID!) {{ node(id: $id, {LENS}) {{ ... on Event {{ {EVENT} }} }} }}"

Given = Mapping[str, Any]
"""The parameters of a request, those of the path among them, as they were read."""

Shape = Callable[[Given, Mapping[str, Any]], dict[str, Any] | None]
"""What becomes of an answer's data; none for what is not there."""


class Resource(Struct, frozen=True):
    """A resource: ``path`` below the base, ``operation`` as programs call it, ``answer`` the schema of what it gives.

    ``variables`` makes those of its question from what was given, beside the two times.
    """

    path: str
    operation: str
    summary: str
    description: str
    document: str
    parameters: tuple[Parameter, ...]
    variables: Callable[[Given], dict[str, Any]]
    shape: Shape
    answer: str

    @property
    def path_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that stand in the path."""
        return tuple(parameter for name, parameter in PATH.items() if f"{{{name}}}" in self.path)


PATH: Final[Mapping[str, Parameter]] = {
    "reference": p.text("reference", "The code by which people name the case."),
    "id": p.text("id", "The id, as lists and GraphQL give it."),
}


def address(path: str, given: Given | None = None, **more: Any) -> str:
    """Return an address below the base; parameters that are none are left out."""
    query = {name: value for name, value in {**(given or {}), **more}.items() if value is not None}
    pairs = [(name, _written(one)) for name, value in query.items() for one in _each(value)]
    return BASE + path + (f"?{urlencode(pairs)}" if pairs else "")


def _each(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lens(given: Given) -> dict[str, Any]:
    """Return the two times of a request, for links that keep to them."""
    return {name: given[name] for name in ("asOf", "knownAt") if name in given}


def _asked(given: Given) -> dict[str, Any]:
    """Return the parameters of a request that stand in its query."""
    return {name: value for name, value in given.items() if name not in PATH}


def _case_path(reference: str) -> str:
    return f"/cases/{quote(reference, safe='')}"


def _case(given: Given, case: Mapping[str, Any]) -> dict[str, Any]:
    path, lens = _case_path(case["reference"]), _lens(given)
    links = {
        "self": {"href": address(path, lens)},
        "events": {"href": address(f"{path}/events", lens)},
        "gaps": {"href": address(f"{path}/gaps", lens)},
    }
    return {**case, "_links": links}


def _gap(given: Given, gap: Mapping[str, Any]) -> dict[str, Any]:
    lens = _lens(given)
    cases = [one["reference"] for one in gap["cases"]]
    links = {
        "self": {"href": address(f"/gaps/{quote(gap['id'], safe='')}", lens)},
        "cases": [{"href": address(_case_path(reference), lens)} for reference in cases],
    }
    ids = {name: None if gap[name] is None else gap[name]["id"] for name in ("obstacle", "cause")}
    return {**gap, **ids, "cases": cases, "_links": links}


def _event(given: Given, event: Mapping[str, Any]) -> dict[str, Any]:
    lens = _lens(given)
    reference = None if event["case"] is None else event["case"]["reference"]
    links: dict[str, Any] = {"self": {"href": address(f"/events/{quote(event['id'], safe='')}", lens)}}
    if reference is not None:
        links["case"] = {"href": address(_case_path(reference), lens)}
    return {**event, "case": reference, "_links": links}


def _page(path: str, item: Callable[[Given, Mapping[str, Any]], dict[str, Any]]) -> Shape:
    """Return what makes a page of a list: of the registry, or of one of its cases."""

    def shape(given: Given, data: Mapping[str, Any]) -> dict[str, Any] | None:
        registry = data["registry"]
        at = registry.get("case", registry)
        if at is None:
            return None
        page = at["page"]
        following = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
        return _listed(path, given, registry, [item(given, one) for one in page["nodes"]], following)

    return shape


def _listed(
    path: str, given: Given, registry: Mapping[str, Any], items: list[dict[str, Any]], following: object
) -> dict[str, Any]:
    """Return a page: the two times, the position, the items, and links to it and to the next."""
    filled = path.replace("{reference}", quote(str(given.get("reference", "")), safe=""))
    links = {"self": {"href": address(filled, _asked(given))}}
    if following is not None:
        links["next"] = {"href": address(filled, _asked(given), after=following)}
    times = {name: registry[name] for name in ("asOf", "knownAt", "position")}
    return {**times, "items": items, "_links": links}


def _one_case(given: Given, data: Mapping[str, Any]) -> dict[str, Any] | None:
    registry = data["registry"]
    if registry["case"] is None:
        return None
    times = {name: registry[name] for name in ("asOf", "knownAt", "position")}
    return {**times, **_case(given, registry["case"])}


def _case_gaps(given: Given, data: Mapping[str, Any]) -> dict[str, Any] | None:
    registry = data["registry"]
    if registry["case"] is None:
        return None
    items = [_gap(given, one) for one in registry["case"]["gaps"]]
    return _listed("/cases/{reference}/gaps", given, registry, items, None)


def _events(given: Given, data: Mapping[str, Any]) -> dict[str, Any]:
    found = data["registry"]["events"]
    items = [_event(given, one) for one in found["nodes"]]
    page = _listed("/events", given, data["registry"], items, found["until"] if found["more"] else None)
    return {**page, "until": found["until"]}


def _node(item: Callable[[Given, Mapping[str, Any]], dict[str, Any]]) -> Shape:
    # A thing of another kind has none of the fields that were asked for.
    return lambda given, data: item(given, data["node"]) if data["node"] else None


def _paging(given: Given) -> dict[str, Any]:
    return {"first": given.get("pageSize"), "after": given.get("after")}


def _filter(given: Given, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a filter of GraphQL from the parameters that say the same by other names."""
    return {field: given[name] for name, field in names.items() if name in given}


def _cases_asked(given: Given) -> dict[str, Any]:
    chosen = _filter(given, {"status": "status", "theme": "themes", "organisation": "organisations"})
    opened = _filter(given, {"openedFrom": "from", "openedUntil": "until"})
    order = given.get("sort", CaseOrder.OPENED_NEWEST.value)
    return {"filter": chosen | ({"opened": opened} if opened else {}), "order": order, **_paging(given)}


def _gaps_asked(given: Given) -> dict[str, Any]:
    names = {
        "kind": "kinds", "toAct": "toAct", "involved": "involved", "open": "open", "counts": "counts",
        "minDays": "minDays", "harm": "harms", "theme": "themes",
    }  # fmt: skip
    period = _filter(given, {"overlapsFrom": "from", "overlapsUntil": "until"})
    chosen = _filter(given, names) | ({"overlaps": period} if period else {})
    return {"filter": chosen, "order": given.get("sort", GapOrder.HARM.value), **_paging(given)}


def _at(given: Given) -> dict[str, Any]:
    """Return what a path names, and where its page begins."""
    return {**{name: given[name] for name in PATH if name in given}, **_paging(given)}


COUNTS: Final = p.truth("counts", "Only gaps that count (true, which is so if not given) or are within their grace.")
SORT: Final = "In which order."

RESOURCES: Final = (
    Resource(
        "/cases", "listCases", "The cases that you see.", "A case is one person's story as a whole.",
        CASES,
        (
            *p.LENS,
            p.choice("status", "Open, or closed.", [one.value for one in CaseStatus]),
            p.themes("theme", "Of one of these themes."),
            p.organisations("organisation", "In which one of these organisations has a part."),
            p.moment("openedFrom", "Opened at this moment or later."),
            p.moment("openedUntil", "Opened before this moment."),
            p.choice("sort", SORT, [one.name for one in CaseOrder]),
            *p.PAGE,
        ),
        _cases_asked, _page("/cases", _case), "CasePage",
    ),
    Resource(
        "/cases/{reference}", "getCase", "One case.", "With its obstacles and who holds each.",
        ONE_CASE, p.LENS, lambda given: {"reference": given["reference"]}, _one_case, "CaseAt",
    ),
    Resource(
        "/cases/{reference}/events", "listCaseEvents", "What happened in a case.",
        "Events in the order in which they happened, as corrected, without those that were struck.",
        TIMELINE, (*p.LENS, *p.PAGE), _at, _page("/cases/{reference}/events", _event), "EventPage",
    ),
    Resource(
        "/cases/{reference}/gaps", "listCaseGaps", "The gaps in a case.", "All of them, on one page.",
        CASE_GAPS, (*p.LENS, COUNTS),
        lambda given: {"reference": given["reference"], "counts": given.get("counts", True)}, _case_gaps, "GapPage",
    ),
    Resource(
        "/gaps", "listGaps", "The gaps that you see.",
        "A gap is a stretch of time in which the chain failed somebody, in one of the kinds that the registry knows.",
        GAPS,
        (
            *p.LENS,
            p.one_of("kind", "Of one of these kinds.", GapKind, several=True),
            p.organisations("toAct", "In which one of these organisations has to act."),
            p.organisations("involved", "In which one of these organisations is involved."),
            p.truth("open", "Still open (true) or ended (false); both if not given."),
            COUNTS,
            p.whole("minDays", "That have lasted at least so many days.", 0, 100_000),
            p.one_of("harm", "With one of these harms stated.", Harm, several=True),
            p.themes("theme", "In cases of one of these themes."),
            p.moment("overlapsFrom", "That had not ended by this moment."),
            p.moment("overlapsUntil", "That began before this moment."),
            p.choice("sort", SORT, [one.name for one in GapOrder]),
            *p.PAGE,
        ),
        _gaps_asked, _page("/gaps", _gap), "GapPage",
    ),
    Resource(
        "/gaps/{id}", "getGap", "One gap.", "As it was at the two times.",
        ONE_GAP, p.LENS, lambda given: {"id": given["id"]}, _node(_gap), "Gap",
    ),
    Resource(
        "/events", "listEvents", "The events that you see, in the order in which they were recorded.",
        "For programs that take along all they may see. 'until' is the last position looked at: go on after it.",
        EVENTS,
        (
            *p.LENS,
            p.choice("type", "Only events of one of these types.", [one.name for one in EventType], several=True),
            p.PAGE[0],
            p.whole("after", "Only what stands beyond this position; -1: from the first on.", -1, 2**53 - 1, -1),
        ),
        lambda given: {"types": given.get("type"), **_paging(given)}, _events, "RecordedPage",
    ),
    Resource(
        "/events/{id}", "getEvent", "One event.", "As corrected by what had been recorded.",
        ONE_EVENT, p.LENS, lambda given: {"id": given["id"]}, _node(_event), "Event",
    ),
)  # fmt: skip
"""Everything there is; a longer path never hides behind a shorter one, since none of them ends in a wildcard."""
