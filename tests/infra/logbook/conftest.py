"""A service that listens, as the tests of HTTP have it."""

from infra.http.conftest import service

__all__ = ["service"]
