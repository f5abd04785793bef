"""Which of some cases and obstacles whoever asks may see: what a command names must be no secret to who sends it."""

from typing import Final

CASES: Final = """
SELECT c FROM unnest(%(cases)s::uuid[]) AS asked (c)
 WHERE (SELECT knelpunt.sees_all()) OR knelpunt.sees_case((SELECT knelpunt.viewers()), c)
    OR EXISTS (SELECT FROM knelpunt.event e WHERE e.stream_id = c AND e.case_id = c)
"""
"""Those of some cases that they see, in the read model or because they have just recorded something in them."""

OBSTACLES: Final = "SELECT obstacle_id FROM knelpunt.known_obstacle WHERE obstacle_id = ANY(%(obstacles)s)"
"""Those of some obstacles that stand in cases that they see."""
