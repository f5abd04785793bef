"""Ask: GraphQL by hand, with the examples of the docs and the schema to look things up in; all of it served from here.

A question runs with or without JavaScript, as whoever is signed in, and is admitted as any client's is. Commands are
not taken here: each has its own form, which says what it does.
"""

from typing import Any

import msgspec
from graphql import OperationType
from starlette.responses import Response

from ...graphql.engine import Prepared, Refusal, operation_type
from ...graphql.problems import Problem, ProblemCode
from ..http.admission import Asked
from .examples import FIRST, GROUPS, text_of
from .visit import Visit


async def page(visit: Visit) -> Response:
    """Answer GET /ask, with the question that the address holds, if it does."""
    await visit.asker()
    query = visit.query.get("query") or text_of(FIRST)
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
    return await visit.page("ask.html", query=query, variables=variables, answer=text, groups=GROUPS, text_of=text_of)
