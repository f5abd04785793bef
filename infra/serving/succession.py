"""What becomes of organisations, written into cases by a program beside the service: a merger takes a while.

``python -m knelpunt.infra.serving.succession`` follows the log until its standard input ends.
"""

from contextlib import closing
from os import environ

from ..bootstrap import bootstrap, database
from ..settings import settings_from
from ..succession.reactor import Reactor
from .beside import until_told
from .observed import observed


def main() -> None:
    """Follow the log until told to stop."""
    stop = until_told()
    settings = settings_from(environ)
    with (
        observed(settings, "succession"),
        database(settings) as found,
        bootstrap(found.url, settings.master_key(), found.vault_url) as parts,
        closing(Reactor(found.url, parts.writer.submit)) as reactor,
    ):
        reactor.run(stop)


if __name__ == "__main__":
    main()
