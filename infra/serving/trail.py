"""The log's publisher as a program beside the service.

``python -m knelpunt.infra.serving.trail`` follows the log until its standard input ends.
"""

from os import environ

from ..bootstrap import database
from ..logbook.security import key_record
from ..settings import settings_from
from ..trail.following import follow
from .beside import until_told
from .observed import observed


def main() -> None:
    """Follow the log until told to stop."""
    stop = until_told()
    settings = settings_from(environ)
    with observed(settings, "trail"), database(settings) as found:
        place, key, policy = settings.trail(), settings.log_key_path(), settings.log_policy
        follow(place, key, settings.log_origin, found.url, key_record(found.vault_url, "trail"), stop, policy)


if __name__ == "__main__":
    main()
