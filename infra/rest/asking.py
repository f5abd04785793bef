"""Who asks over REST: whom the token of a request names."""

from starlette.requests import Request

from ...graphql.ports import Asker
from ..http.answers import bearer
from ..http.origin import Origin
from ..http.registry import RunningRegistry
from ..identity.tokens import BadToken
from .problems import RestProblem


async def who_asks(running: RunningRegistry, request: Request, what: str, origin: Origin) -> Asker:
    """Return who asks; a request without a token that counts is on record by ``what``. Raises ``RestProblem``."""
    try:
        return await running.asker(bearer(request))
    except BadToken as error:
        running.turned_away(what, origin, error)
        raise RestProblem(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
