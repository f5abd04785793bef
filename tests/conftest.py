"""Fixtures and settings that every test may ask for."""

from hypothesis import settings

# make test-long asks for the second: style.md's 20,000 histories instead of 1,000.
settings.register_profile("default", deadline=None)
settings.register_profile("long", deadline=None, max_examples=20_000)
settings.load_profile("default")
