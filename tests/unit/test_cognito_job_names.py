"""A job's name says run, batch and attempt, so that a job whose reply was lost is found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cognito.import_job import JobName, job_name, parse_job_name
from connectors.errors import ConfigurationError


@given(st.text("abcXYZ019_-", min_size=1, max_size=70), st.integers(0, 10**7), st.integers(0, 999))
def test_a_jobs_name_says_what_it_was_made_from(run_id: str, batch: int, attempt: int) -> None:
    name = job_name(run_id, batch, attempt)
    assert parse_job_name(name) == JobName(run_id, batch, attempt)
    assert len(name) <= 128


@pytest.mark.parametrize("run_id", ["", "a b", "a.b", "vera@example.com", "ä", "x" * 120])
def test_a_run_id_that_fits_no_name_is_refused(run_id: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be part"):
        job_name(run_id, 1, 1)


@pytest.mark.parametrize("name", ["", "users", "poolferry.r1.batch-x.attempt-1", f"{job_name('r1', 1, 1)} "])
def test_a_strangers_name_is_not_read(name: str) -> None:
    assert parse_job_name(name) is None
