"""A projector that follows the log until it is killed. Run as ``python sharing_program.py URL SILENT_SECONDS_MAX``."""

import sys
from threading import Event

from knelpunt.infra.projecting import claims, writing
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.projector import Projector

if __name__ == "__main__":
    claims.SILENT_SECONDS_MAX = writing.WRITE_SECONDS_MAX = int(sys.argv[2])
    claims.LOOK_SECONDS = claims.PULSE_SECONDS = projecting.POLL_SECONDS = 0.2
    projecting.RETRY_SECONDS = 0.1
    Projector(sys.argv[1]).run(Event())
