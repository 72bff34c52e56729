"""``kill -9`` at any instant, then the same command again: nobody lost, doubled or given a wrong verdict.

``make test-faults`` kills at every point there is; the test suite at every so-manieth, from a seed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.faults.crash_broken import BROKEN
from tests.faults.crash_scene import COUNTS, WEATHERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.crash_site import Drills

EVERY_POINT = bool(os.environ.get("POOLFERRY_EVERY_POINT"))
SOME = 4
"""Points of each kind of weather that the short drill takes; the long one takes all."""

BITES = {
    "settles_before_the_outcomes_are_written": "runs/acme/…/outcomes/batch-0001.parquet still empty",
    "never_asks_for_the_job": "CreateUserImportJob after",
    "takes_its_own_users_for_strangers": "AdminCreateUser after",
    "acts_before_the_ledger_is_in_s3": "StartUserImportJob after",
}
"""Where a wrong product must be killed to be found out."""


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("in_s3", [False, True], ids=["folder", "s3"])
@pytest.mark.parametrize("weather", WEATHERS)
def test_a_run_that_is_killed_anywhere_ends_like_an_undisturbed_one(
    weather: str, drills: Drills, record_property: Callable[[str, object], None], *, in_s3: bool
) -> None:
    """With its state in S3, each start is on a machine that knows nothing of the one before."""
    drill = drills(weather, in_s3=in_s3)
    points = drill.points
    verdicts = Counter(verdict for _, verdict, _ in drill.truth.verdicts)
    assert weather != "fair" or verdicts == COUNTS
    seed = int(os.environ.get("POOLFERRY_SEED", "1"))
    chosen = points if EVERY_POINT else random.Random(seed).sample(points, SOME)  # noqa: S311 - seeded
    drill.kill_everywhere(chosen, seed=seed)
    told = f"{drill.told_as}: {len(points)} points, {len(chosen)} chosen; {drill.told}"
    record_property("drill", told)
    assert drill.kills, "no run came by any of the points"
    assert not drill.found, "\n".join([told, *drill.found])


@pytest.mark.faults
@pytest.mark.parametrize("broken", BROKEN)
def test_the_drill_bites(broken: str, drills: Drills) -> None:
    """A product that breaks one promise is found out by a kill at the right point."""
    drill = drills("fair", broken, in_s3=broken.endswith("in_s3"))
    points = [point for point in drill.points if point.startswith(BITES[broken])]
    for point in points:
        drill.kill_at(point)
        if drill.found:
            return
    pytest.fail(f"nothing found at {len(points)} points")
