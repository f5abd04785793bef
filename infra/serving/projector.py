"""The projector as a program beside the service, so that deriving never keeps a request waiting.

``python -m knelpunt.infra.serving.projector`` follows the log until its standard input ends.
"""

from contextlib import closing
from os import environ

from ..bootstrap import database
from ..http.measures import Measures
from ..projecting.projector import Projector
from ..settings import settings_from
from .beside import until_told
from .observed import observed


def main() -> None:
    """Follow the log until told to stop."""
    stop = until_told()
    settings = settings_from(environ)
    with (
        observed(settings, "projector"),
        database(settings) as found,
        closing(Projector(found.url, told=Measures().projected)) as projector,
    ):
        projector.run(stop)


if __name__ == "__main__":
    main()
