"""What is installed is what is in the tree, under the names that imports use."""

import graphql


def test_graphql_is_graphql_core() -> None:
    """Our own folder graphql/ never shadows the library that Strawberry imports under that name."""
    assert graphql.__file__ is not None
    assert graphql.__file__.endswith("site-packages/graphql/__init__.py")
