"""Maps the folders at the root to the sub-packages of knelpunt.

The rest of the packaging is in pyproject.toml. This part is computed, because a list of
sub-packages kept by hand is forgotten: an unlisted folder works in every test run from the
checkout and is missing from the wheel. No folder at the root has an ``__init__.py``, so that
``graphql/`` never shadows graphql-core, which Strawberry imports as ``graphql``.
"""

from pathlib import Path

from setuptools import setup

ROOTS = ("domain", "projections", "graphql", "infra")


def packages() -> list[str]:
    """Every folder under the four that holds a file, as a package name: code, SQL or templates alike."""
    names: list[str] = []
    for root in ROOTS:
        for folder in [Path(root), *sorted(Path(root).rglob("*/"))]:
            hidden = any(part.startswith((".", "__")) for part in folder.parts)
            if folder.is_dir() and not hidden and any(entry.is_file() for entry in folder.iterdir()):
                names.append(".".join(("knelpunt", *folder.parts)))
    return names


setup(packages=packages(), package_dir={f"knelpunt.{root}": root for root in ROOTS})
