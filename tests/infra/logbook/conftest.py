"""A service that listens, as the tests of HTTP have it."""

from infra.http.conftest import projected, service

__all__ = ["projected", "service"]
