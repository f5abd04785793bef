"""``knelpunt schema``: the GraphQL schema, as programs get to know it."""

import sys

from ...graphql.schema import sdl


def schema() -> None:
    """Print the GraphQL schema in the schema definition language."""
    sys.stdout.write(sdl())
    sys.stdout.flush()
