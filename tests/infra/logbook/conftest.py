"""A service that listens, as the tests of HTTP have it."""

from infra.http.conftest import asked, projected, service

__all__ = ["asked", "projected", "service"]
