"""``knelpunt schema``: the GraphQL schema, as programs get to know it."""

import sys


def schema() -> None:
    """Print the GraphQL schema in the schema definition language."""
    # Here and not above: making the schema takes a second, which no other command need wait for.
    from ...graphql.schema import sdl  # noqa: PLC0415

    sys.stdout.write(sdl())
    sys.stdout.flush()
