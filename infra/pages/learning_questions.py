"""What the pages of causes, dialogues and their like ask the schema, by kind.

Texts are taken from the data of the events in which they stand: those say whether one is left out, forgotten, or not
for this visitor. The module is a catalogue of questions.
"""

from collections.abc import Mapping
from typing import Final

STREAM: Final = """
  __typename id begunAt begunBy { data }
  organisations { identifier name }
  gaps(counts: null) {
    id kind from until open counts days toAct { identifier name }
    acknowledgements { due organisation { identifier name } }
  }
  timeline(first: 200) {
    totalCount
    nodes {
      id number position type occurredAt precision recordedAt inferred
      actor { organisation { identifier name } }
      summary(language: $language) struckBy { number } conflict { message } correctedBy { number }
    }
  }
"""

CAUSE_NAMED: Final = "id begunBy { data }"
"""How a cause is named elsewhere: by its statement, which links to it."""

_SIGNAL: Final = f"""
  id occurredAt event {{ data }} to {{ identifier name }} members {{ identifier name }} causes {{ {CAUSE_NAMED} }}
  respondBy answeredAt reply answer
"""

_PARTICIPANT: Final = "participant { id role name organisation { identifier name } }"

LISTED: Final[Mapping[str, str]] = {
    "causes": "theme locus owner { identifier name } links { obstacle { id } }",
    "dialogues": "theme convener { identifier name }",
    "investigations": "cases { reference }",
    "dossiers": "theme owner { identifier name } openQuestions",
    "networks": "members { identifier name } themes",
    "experiments": "theme finding",
}
"""What a list shows of each, beside what all kinds have."""

WHOLE: Final[Mapping[str, str]] = {
    "causes": """
      status locus theme barrier { name(language: $language) } owner { identifier name } endedAt
      proposals { owner { identifier name } proposedAt accepted }
      links {
        linkedAt linkedBy { identifier name }
        obstacle {
          id status reportedAt holder { identifier name }
          case { id reference title }
        }
      }
      failureCosts { organisation { identifier name } euros per event { occurredAt } }
      failureCostTotals { per euros }
      ladder {
        level
        escalations {
          id to { identifier name } askedBy { identifier name } askedAt respondBy answer answeredAt
          suggests { identifier name } event { data }
        }
      }
      nextStep { level because after { to { identifier name } } candidates { identifier name } }
      months { month obstacles }
      candidates {
        obstacle { id case { id reference title } }
        sameOrganisations { identifier name } sameTheme sameGrounds sameGaps
      }
      measures {
        id organisation { identifier name } committedAt due event { data } implementedAt
        recurrence { days before after stopped }
        evaluations {
          evaluatedAt organisation { identifier name } partners { identifier name } stopped event { data }
        }
      }
    """,
    "dialogues": f"""
      status theme convener {{ identifier name }} firstPartClosedAt concludedAt
      participants {{ id role name event {{ data }} organisation {{ identifier name }} }}
      experiences {{ event {{ data }} {_PARTICIPANT} }}
      bottlenecks {{ id event {{ data }} causes {{ {CAUSE_NAMED} }} }}
      views {{ event {{ data }} {_PARTICIPANT} }}
      options {{ id event {{ data }} {_PARTICIPANT} }}
      actionTeam {{ organisations {{ identifier name }} event {{ data }} }}
      steps {{
        id organisation {{ identifier name }} due status overdue settledAt outcome event {{ data }}
        progress {{ occurredAt event {{ data }} }}
        experiment {{ id begunBy {{ data }} }}
      }}
      lesson
      causes {{ {CAUSE_NAMED} }}
      policyDossiers {{ id begunBy {{ data }} }}
    """,
    "investigations": f"""
      status programme publishedAt reportTitle reportLocation
      cases {{ id reference title theme status }}
      dialogues {{ id begunBy {{ data }} }}
      findings {{ id occurredAt event {{ data }} causes {{ {CAUSE_NAMED} }} removed }}
      followUps {{ id due organisation {{ identifier name }} event {{ data }} doneAt note }}
    """,
    "dossiers": f"""
      status theme owner {{ identifier name }}
      questions {{ question answer {{ occurredAt event {{ data }} }} versions {{ occurredAt }} }}
      involvements {{ occurredAt stage how influence event {{ data }} }}
      barriersMet {{ barrier {{ name(language: $language) }} event {{ data }} }}
      promises {{
        id organisation {{ identifier name }} due status overdue keptAt note kind {{ name(language: $language) }}
        event {{ data }}
      }}
      causes {{ {CAUSE_NAMED} }}
      dialogues {{ id begunBy {{ data }} }}
      signals {{ {_SIGNAL} }}
    """,
    "networks": f"""
      status themes
      memberships {{ occurredAt leftAt organisation {{ identifier name }} }}
      signals {{ {_SIGNAL} }}
      challenges {{
        id occurredAt organisation {{ identifier name }} event {{ data }}
        takenUp {{ organisation {{ identifier name }} event {{ data }} }}
      }}
      helpAsked {{
        id occurredAt organisation {{ identifier name }} event {{ data }}
        offers {{ organisation {{ identifier name }} event {{ data }} }}
      }}
      helpOffered {{ organisation {{ identifier name }} event {{ data }} }}
      vitality {{ lastDoneAt activeMembers members }}
    """,
    "experiments": f"""
      status theme runBy {{ identifier name }} professionals citizens finding concludedAt lesson
      causes {{ {CAUSE_NAMED} }}
      observations {{ occurredAt event {{ data }} }}
      adoptions {{ occurredAt organisation {{ identifier name }} sharedBy {{ identifier name }} }}
    """,
}
"""What the page of one asks, beside what all kinds have."""

FIELDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "causes": ("cause", "causes", "CauseFilter"),
    "dialogues": ("dialogue", "dialogues", "DialogueFilter"),
    "investigations": ("investigation", "investigations", "InvestigationFilter"),
    "dossiers": ("policyDossier", "policyDossiers", "PolicyDossierFilter"),
    "networks": ("network", "networks", "NetworkFilter"),
    "experiments": ("experiment", "experiments", "ExperimentFilter"),
}
"""The schema's fields for one and for several of a kind, and the type of their filter."""

PAGE: Final = 40
"""Lines on one page of a list."""

STRATEGIES: Final = """
strategies: organisations(first: 200) {
  nodes {
    identifier name
    strategiesShared { id sharedAt event { data } adoptedBy { organisation { identifier name } at } }
  }
}
"""
"""Ways of working that were shared, which stand with the experiments."""


def list_question(kind: str) -> str:
    """Return the question for a list of a kind."""
    _, several, filter_ = FIELDS[kind]
    return f"""
    query Learnt($asOf: DateTime, $knownAt: DateTime, $filter: {filter_}, $after: String) {{
      registry(asOf: $asOf, knownAt: $knownAt) {{
        asOf knownAt
        found: {several}(filter: $filter, first: {PAGE}, after: $after) {{
          totalCount pageInfo {{ hasNextPage endCursor }}
          nodes {{ id begunAt begunBy {{ data }} status gaps {{ kind open }} {LISTED[kind]} }}
        }}
        organisations(first: 200) {{ nodes {{ identifier name }} }}
        {STRATEGIES if kind == "experiments" else ""}
      }}
    }}
    """


def one_question(kind: str) -> str:
    """Return the question for one of a kind."""
    one = FIELDS[kind][0]
    return f"""
    query One($asOf: DateTime, $knownAt: DateTime, $id: ID!, $language: Language!, $atLeast: Position) {{
      registry(asOf: $asOf, knownAt: $knownAt, atLeast: $atLeast) {{
        asOf knownAt
        found: {one}(id: $id) {{ {STREAM} {WHOLE[kind]} }}
      }}
      viewer {{ mayRecord }}
    }}
    """
