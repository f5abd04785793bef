"""The page at ``/``: what this is, and where programs ask."""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from .services import Services

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>knelpunt</title>
<style>
body {{ font: 1.1rem/1.6 Georgia, serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem;
  color: #222; background: #fdfdfb }}
h1 {{ font-weight: normal }}
pre, code {{ font: 0.9rem/1.5 ui-monospace, monospace; background: #f2f1ec }}
pre {{ padding: 1rem; overflow-x: auto }}
</style>
</head>
<body>
<h1>knelpunt</h1>
<p>A registry of where people get stuck between government organisations, and of the gaps they fall through:
who held a problem when, who refused it and why, and since when nobody did.</p>
<p>It is asked by programs, with GraphQL: <code>POST <a href="/graphql">/graphql</a></code> with a bearer token, and
subscriptions over a WebSocket (<code>graphql-transport-ws</code>) on the same path. Pages for people are not there
yet.</p>
{note}
<pre>curl {base}/graphql \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{{"query": "{{ registry {{ position gaps(filter: {{open: true}}) {{ totalCount }} }} }}"}}'</pre>
<p>For operators: <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a>.</p>
</body>
</html>
"""

DEVELOPMENT: Final = (
    "<p><strong>This registry believes tokens of its built-in issuer for development.</strong> "
    "<code>knelpunt token --role INVESTIGATOR --organisation urn:example:me</code> makes one.</p>"
)


def page(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with the page."""

    async def answer(request: Request) -> Response:
        base = escape(f"{request.url.scheme}://{request.url.netloc}")
        return HTMLResponse(PAGE.format(base=base, note=DEVELOPMENT if services.development else ""))

    return answer
