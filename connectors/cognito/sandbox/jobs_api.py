"""The six operations on import jobs, and what a running job forbids (F3.1-F3.18)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from moto.cognitoidp.exceptions import InvalidParameterException, ResourceNotFoundError
from moto.core.exceptions import JsonRESTError

from connectors.cognito.sandbox.arguments import check_arguments
from connectors.cognito.sandbox.faults import BUSY_TEXT, first_due
from connectors.cognito.sandbox.import_log import ImportLog
from connectors.cognito.sandbox.job_runner import start_thread
from connectors.cognito.sandbox.jobs import EXPIRED_TEXT, STOPPED_TEXT, ImportJob, Scope, expire
from connectors.cognito.sandbox.request import SandboxRequest
from connectors.cognito.sandbox.role_check import role_problem
from connectors.cognito.sandbox.schema import csv_header
from connectors.cognito.sandbox.upload import signed_url

TOKEN: Final = re.compile(r"([^#\s]+)#(import-[0-9a-zA-Z-]+)#([0-9]+)")
"""Pool, last job of the page, its creation in milliseconds (F3.5)."""

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoAnswer, MotoPool


class ImportJobOperations(SandboxRequest):
    """GetCSVHeader, Create-, Describe-, List-, Start- and StopUserImportJob.

    Texts that are not quoted in the fact sheet are ours and must not be relied on.
    """

    def get_csv_header(self) -> str:
        """List the columns of a pool's import file (F1.1-F1.6)."""
        pool = self._pool("GetCSVHeader")
        return self.answer({"UserPoolId": pool.id, "CSVHeader": csv_header(pool, self.settings)})

    def create_user_import_job(self) -> str:
        """Make a job that waits for its file (F3.4)."""
        pool = self._pool("CreateUserImportJob")
        algorithm = self._get_param("PasswordHashingAlgorithm")
        if algorithm and not self.settings.hashes_eligible:
            raise JsonRESTError(
                self.settings.hashes_ineligible_error,
                "The user pool does not support the import of password hashes.",
            )
        if self.settings.no_auto_verified_refused_at == "create":
            _refuse_without_auto_verified(pool)
        with self.sandbox.lock:
            self._refuse_too_many_jobs(pool)
            if self.settings.created_is_active:
                self._refuse_second_active(pool)
            name, role = self._get_param("JobName"), self._get_param("CloudWatchLogsRoleArn")
            job = self.sandbox.jobs.add(_scope(pool), pool.id, name, role, algorithm, self.sandbox.now())
            job.url = signed_url(self.sandbox, job)
        if self.settings.log_test_lines > 1 and not self._role_problem(pool):
            ImportLog.open(self.sandbox, pool, job).test_line()
        return self._job_answer(job)

    def describe_user_import_job(self) -> str:
        """Show one job with its counters."""
        return self._job_answer(self._job("DescribeUserImportJob"))

    def list_user_import_jobs(self) -> str:
        """List the jobs of a pool, newest first, page by page (F3.5)."""
        pool = self._pool("ListUserImportJobs")
        most = self.settings.max_list_results
        limit = self._get_param("MaxResults")
        if limit > most:
            raise InvalidParameterException(f"MaxResults must not be greater than {most}.")
        jobs = self.sandbox.jobs.of_pool(_scope(pool), pool.id, self.sandbox.now(), self._life())
        older = jobs[self._behind_token(pool, jobs) :]
        answer: dict[str, Any] = {"UserImportJobs": [job.described() for job in older[:limit]]}
        if len(older) > limit:
            last = older[limit - 1]
            answer["PaginationToken"] = f"{pool.id}#{last.job_id}#{int(last.created.timestamp() * 1000)}"
        return self.answer(answer)

    def start_user_import_job(self) -> str:
        """Start a job whose file is there; it goes on in a thread of its own (F3.4, F3.11, F3.14)."""
        job = self._job("StartUserImportJob")
        pool = self._pool("StartUserImportJob")
        with self.sandbox.lock, job.lock:
            if job.status != "Created":
                raise _not_met(f"The import job {job.job_id} is {job.status} and cannot be started.")
            self._refuse_without_file(job)
            _refuse_without_auto_verified(pool)
            self._refuse_second_active(pool, but=job)
            self._plant_fault(job)
            job.status, job.started = "Pending", self.sandbox.now()
            start_thread(self.sandbox, pool, job)
            return self._job_answer(job)

    def stop_user_import_job(self) -> str:
        """Stop a job for good; who is imported stays (F3.16)."""
        job = self._job("StopUserImportJob")
        with job.lock:
            if job.status not in {"Pending", "InProgress"}:
                raise _not_met(f"The import job {job.job_id} is {job.status} and cannot be stopped.")
            job.stop.set()
            if self.settings.stopping_seconds:
                job.status = "Stopping"
            else:
                job.finish("Stopped", STOPPED_TEXT, self.sandbox.now())
            return self._job_answer(job)

    def update_user_pool(self) -> MotoAnswer:
        """Refuse it while a job runs (F3.18)."""
        with self.sandbox.lock:
            self._refuse_during_import()
            return super().update_user_pool()

    def add_custom_attributes(self) -> MotoAnswer:
        """Refuse it while a job runs (F3.18)."""
        with self.sandbox.lock:
            self._refuse_during_import()
            return super().add_custom_attributes()

    def delete_user_pool(self) -> MotoAnswer:
        """Refuse it while a job runs (F3.18)."""
        with self.sandbox.lock:
            self._refuse_during_import()
            return super().delete_user_pool()

    def _pool(self, operation: str) -> MotoPool:
        check_arguments(operation, self.arguments)
        return self.backend.describe_user_pool(self._get_param("UserPoolId"))

    def _job(self, operation: str) -> ImportJob:
        pool = self._pool(operation)
        job = self.sandbox.jobs.get(_scope(pool), pool.id, self._get_param("JobId"))
        if job is None:
            raise ResourceNotFoundError(f"The import job does not exist in user pool {pool.id}.")
        expire(job, self.sandbox.now(), self._life())
        return job

    def _job_answer(self, job: ImportJob) -> str:
        return self.answer({"UserImportJob": job.described()})

    def _life(self) -> timedelta:
        return timedelta(hours=self.settings.job_expires_hours)

    def _behind_token(self, pool: MotoPool, jobs: list[ImportJob]) -> int:
        token = self._get_param("PaginationToken")
        if token is None:
            return 0
        parts = TOKEN.fullmatch(token)
        places = [place for place, job in enumerate(jobs, 1) if parts and job.job_id == parts[2]]
        if not parts or parts[1] != pool.id or not places:
            raise InvalidParameterException("Invalid pagination token.")
        return places[0]

    def _role_problem(self, pool: MotoPool) -> str | None:
        """Tell a log role that cannot write; only the running job fails of it (F3.36)."""
        check = self.settings.check_role
        return role_problem(self._get_param("CloudWatchLogsRoleArn"), pool) if check else None

    def _refuse_too_many_jobs(self, pool: MotoPool) -> None:
        jobs = self.sandbox.jobs.of_pool(_scope(pool), pool.id, self.sandbox.now(), self._life())
        if len(jobs) >= self.settings.max_jobs_per_pool:
            raise JsonRESTError(
                "LimitExceededException", "The user pool has reached its maximum number of import jobs."
            )

    def _refuse_second_active(self, pool: MotoPool, but: ImportJob | None = None) -> None:
        """Allow one active job an account and Region, or a pool (F3.14)."""
        for job in self.sandbox.jobs.everywhere(_scope(pool)):
            expire(job, self.sandbox.now(), self._life())
            active = job.running or (self.settings.created_is_active and job.status == "Created")
            in_scope = self.settings.active_scope == "account_region" or job.pool_id == pool.id
            if job is not but and active and in_scope:
                raise _not_met(BUSY_TEXT)

    def _plant_fault(self, job: ImportJob) -> None:
        """Take the next planted fault along; a job that expires just now cannot start (F3.17)."""
        job.fault = first_due(self.settings.job_faults, self.sandbox.job_strikes)
        if job.fault and job.fault.kind == "expire":
            job.finish("Expired", EXPIRED_TEXT, self.sandbox.now())
            job.discard_file()
            raise _not_met(f"The import job {job.job_id} is {job.status} and cannot be started.")

    def _refuse_without_file(self, job: ImportJob) -> None:
        settles = timedelta(seconds=self.settings.upload_settles_seconds)
        if job.uploaded is None or self.sandbox.now() < job.uploaded + settles:
            raise _not_met(f"No csv file was uploaded for {job.job_id}")

    def _refuse_during_import(self) -> None:
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        jobs = self.sandbox.jobs.of_pool(_scope(pool), pool.id, self.sandbox.now(), self._life())
        waiting = self.settings.created_blocks_pool_changes
        if any(job.running or (waiting and job.status == "Created") for job in jobs):
            raise JsonRESTError(
                "UserImportInProgressException", "A user import job is in progress for this user pool."
            )


def _scope(pool: MotoPool) -> Scope:
    return pool.account_id, pool.region


def _not_met(text: str) -> JsonRESTError:
    return JsonRESTError("PreconditionNotMetException", text)


def _refuse_without_auto_verified(pool: MotoPool) -> None:
    """A pool that verifies nothing cannot import (F1.30, F6.23)."""
    if not pool.extended_config.get("AutoVerifiedAttributes"):
        raise _not_met("The user pool has no auto verified attribute.")
