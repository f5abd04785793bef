"""A program that rebuilds a read model and tells how far it is, until it is done or killed.

Run as ``python rebuilding_program.py URL``: prints the number of events projected after each share.
"""

import sys

from knelpunt.infra.projecting.rebuild import rebuild

if __name__ == "__main__":
    rebuild(sys.argv[1], workers=1, progress=lambda done: print(done, flush=True))
