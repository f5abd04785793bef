"""The schema, put together; ``sdl`` prints it as it is committed in ``schema.graphql``."""

from typing import Final

from graphql import print_schema

from .making import made
from .mutation import Mutation
from .subscription import Subscription

SCHEMA: Final = made(Mutation, Subscription)
"""The schema as it is executed."""


def sdl() -> str:
    """Return the schema in the schema definition language, as it is committed."""
    return print_schema(SCHEMA) + "\n"
