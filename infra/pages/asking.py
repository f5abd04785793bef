"""Ask: GraphQL by hand, with the examples of the docs and the schema to look things up in; all of it served from here.

A question runs with or without JavaScript, as whoever is signed in, and is admitted as any client's is. Commands are
not taken here: each has its own form, which says what it does.
"""

from typing import Any, Final

import msgspec
from graphql import OperationType
from starlette.responses import PlainTextResponse, Response

from ...graphql.engine import Prepared, Refusal, operation_type
from ...graphql.problems import Problem, ProblemCode
from ...graphql.schema import sdl
from ..http.admission import Asked
from .visit import Visit

EXAMPLES: Final = (
    (
        "Open gaps, the most pressing first",
        """{
  registry {
    gaps(filter: {open: true}, first: 5) {
      totalCount
      nodes { kind from days toAct { name } case { reference title } }
    }
  }
}""",
    ),
    (
        "One case: who had what, and until when",
        """{
  registry {
    case(reference: "DEMO-7K2M") {
      title
      obstacles {
        status
        chain { segments { kind from until organisation { name } } }
      }
    }
  }
}""",
    ),
    (
        "The same case as it was known on an earlier day",
        """{
  registry(asOf: "2025-01-01T00:00:00Z", knownAt: "2025-01-01T00:00:00Z") {
    case(reference: "DEMO-7K2M") { gaps { kind from until days } }
  }
}""",
    ),
    (
        "Who loses people to whom",
        """{
  registry {
    interfaces {
      from { name } to { name }
      offers accepted refused unanswered referrals arrived
    }
  }
}""",
    ),
    ("What you may do", "{ viewer { role mayRecord organisation { name } } }"),
)
"""Questions to begin with, and what each asks."""


async def page(visit: Visit) -> Response:
    """Answer GET /ask, with the question that the address holds, if it does."""
    await visit.asker()
    query = visit.query.get("query") or EXAMPLES[0][1]
    return await _shown(visit, query, "", None)


async def send(visit: Visit) -> Response:
    """Answer POST /ask: the question with its answer below."""
    form = dict(await visit.form())
    query, variables = form.get("query", ""), form.get("variables", "")
    try:
        given = msgspec.json.decode(variables or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        message = "The variables must be a JSON object."
        return await _shown(visit, query, variables, {"errors": [{"message": visit.words.say(message)}]})
    return await _shown(visit, query, variables, await _answer(visit, query, given))


async def schema(visit: Visit) -> Response:
    """Answer GET /ask/schema: the whole schema as text."""
    await visit.asker()
    return PlainTextResponse(sdl())


async def _answer(visit: Visit, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    if not query:
        return {"errors": [{"message": visit.words.say("Type a question first.")}]}
    who = await visit.asker()

    def admit() -> Prepared:
        prepared = visit.running.admission.admit(who, Asked(query=query, variables=variables))
        if operation_type(prepared, None) is not OperationType.QUERY:
            message = "Only questions are asked here: each command has its own form."
            raise Refusal([Problem(ProblemCode.INVALID, visit.words.say(message))])
        return prepared

    return await visit.admitted(admit)


async def _shown(visit: Visit, query: str, variables: str, answer: dict[str, Any] | None) -> Response:
    text = None if answer is None else msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()
    return await visit.page("ask.html", query=query, variables=variables, answer=text, examples=EXAMPLES)
