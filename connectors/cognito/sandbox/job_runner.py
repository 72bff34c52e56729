"""Carries out one import job in a thread of its own (F3.2, F3.18-F3.24)."""

from __future__ import annotations

from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Final

from moto.cognitoidp.models import cognitoidp_backends

from connectors.cognito.sandbox.csv_reader import LINE, HeaderRule, ImportFile, blocks, open_file
from connectors.cognito.sandbox.directory import pool_lock
from connectors.cognito.sandbox.import_log import ImportLog
from connectors.cognito.sandbox.jobs import STOPPED_TEXT, SUCCEEDED_TEXT, TOO_MANY_TEXT, ImportJob, JobStatus
from connectors.cognito.sandbox.outcomes import FAILED, SKIPPED, Outcome
from connectors.cognito.sandbox.role_check import role_problem
from connectors.cognito.sandbox.row_rules import PoolRules, judge
from connectors.cognito.sandbox.schema import PASSWORD_HASH, USERNAME, csv_header, pool_columns
from connectors.cognito.sandbox.user_writer import UserWriter
from connectors.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.state import SandboxState

SLICE_ROWS: Final = 500
"""Rows between two looks at Stop, the counters and the pool's other callers."""

SLICES_PER_SECOND: Final = 20
"""Slices of a paced job, so that its counters move."""

# Cognito's messages for these are unknown (F3.19): they are ours.
POOL_GONE_TEXT: Final = "The user pool was deleted."
TOO_LARGE_TEXT: Final = "The CSV file is larger than 100 MB."
INTERNAL_TEXT: Final = "The import job met an internal error."

FACTOR_CONTACTS: Final = {"EMAIL_OTP": "email", "SMS_OTP": "phone_number"}


def start_thread(state: SandboxState, pool: MotoPool, job: ImportJob) -> None:
    """Let a job that is Pending go on by itself."""
    Thread(target=JobRun(state, pool, job).run, name=job.job_id, daemon=True).start()


class JobRun:
    """One job on its way from Pending to its end.

    Args:
        state: the sandbox.
        pool: moto's pool.
        job: Pending, with its file in place.
    """

    def __init__(self, state: SandboxState, pool: MotoPool, job: ImportJob) -> None:
        self.state = state
        self.settings = state.settings
        self.pool = pool
        self.job = job

    def run(self) -> None:
        """Go through all states; whatever happens, the job ends."""
        try:
            self._wait_and_import()
        except SourceError as unreadable:
            self._finish_failed(unreadable.what)
        finally:
            self._finish_stopped()
            self._finish_failed(INTERNAL_TEXT)
            self.job.discard_file()

    def _wait_and_import(self) -> None:
        if self.job.stop.wait(self.settings.pending_seconds) or not self._begin():
            return
        if problem := self._problem():
            self._finish_failed(problem)
            return
        log = ImportLog.open(self.state, self.pool, self.job)
        if self.settings.log_test_lines:
            log.test_line()
        if not self._strikes_now():
            self._import(log)

    def _begin(self) -> bool:
        with self.job.lock:
            if self.job.status == "Pending":
                self.job.status = "InProgress"
            return self.job.status == "InProgress"

    def _problem(self) -> str | None:
        """What forbids the import as a whole, before the file is read."""
        if self.settings.check_role and (problem := role_problem(self.job.role_arn, self.pool)):
            return problem
        if self.job.file.stat().st_size > self.settings.max_file_bytes:
            return TOO_LARGE_TEXT
        return None

    def _import(self, log: ImportLog) -> None:
        file = open_file(self.job.file, self._header_rule(), self.settings)
        rules = self._pool_rules(file)
        writer = UserWriter(self.pool, self.settings, hashed=rules.algorithm is not None)
        for block in blocks(file, self.settings):
            judged = judge(block, rules, self.settings)
            for rows in self._slices(judged):
                if not self._import_slice(rows, writer, log):
                    return
        self._finish_whole()

    def _slices(self, block: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Cut a block into slices, and keep the pace between them."""
        pace = self.settings.rows_per_second
        size = max(1, int(pace / SLICES_PER_SECOND)) if pace else SLICE_ROWS
        for rows in block.iter_slices(size):
            yield rows
            self.job.stop.wait(rows.height / pace if pace else 0)

    def _import_slice(self, rows: pl.DataFrame, writer: UserWriter, log: ImportLog) -> bool:
        """Import some rows; False once the job is over."""
        if self._pool_is_gone():
            self._finish_failed(POOL_GONE_TEXT)
        with self.job.lock:
            if self.job.status != "InProgress":
                return False
            with pool_lock(self.pool):
                outcomes = list(self._counted(writer.write(rows)))
        log.users(rows[LINE].to_list()[: len(outcomes)], outcomes)
        if self._strikes_now():
            return False
        if self._ends_early():
            self._finish_failed(TOO_MANY_TEXT)
        return self.job.completed is None

    def _counted(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """Move the counters with every row, up to the row that is one too many (F3.23, F3.24)."""
        job = self.job
        for outcome in outcomes:
            if outcome.kind == FAILED:
                job.failed += 1
            elif outcome.kind == SKIPPED:
                job.skipped += 1
            else:
                job.imported += 1
            yield outcome
            if self._ends_early() or self._is_fault_due():
                return

    def _strikes_now(self) -> bool:
        """Let the planted fault end the job, if its row has come."""
        if due := self._is_fault_due():
            self._strike()
        return due

    def _is_fault_due(self) -> bool:
        fault = self.job.fault
        return fault is not None and fault.after_rows is not None and self._seen() >= fault.after_rows

    def _strike(self) -> None:
        """End as Failed, or as if somebody had stopped the job in the console (F3.16)."""
        fault = self.job.fault
        if fault and fault.kind == "stop":
            self._finish("Stopped", fault.message or STOPPED_TEXT)
        elif fault:
            self._finish_failed(fault.message or INTERNAL_TEXT)

    def _seen(self) -> int:
        return self.job.imported + self.job.skipped + self.job.failed

    def _ends_early(self) -> bool:
        after = self.settings.too_many_early_after_rows
        return after is not None and self._seen() >= after and self._too_many()

    def _too_many(self) -> bool:
        job, settings = self.job, self.settings
        bad = job.skipped + job.failed
        return bad >= settings.too_many_minimum and bad > settings.too_many_share * (bad + job.imported)

    def _finish_whole(self) -> None:
        self._strike()
        if self._too_many():
            self._finish_failed(TOO_MANY_TEXT)
        else:
            self._finish("Succeeded", SUCCEEDED_TEXT)

    def _finish_stopped(self) -> None:
        """A job that was asked to stop has stopped, after its time as Stopping (F3.16)."""
        if self.job.completed is None and self.job.stop.is_set():
            sleep(self.settings.stopping_seconds)
            self.job.finish("Stopped", STOPPED_TEXT, self.state.now())

    def _finish_failed(self, text: str) -> None:
        self._finish("Failed", text)

    def _finish(self, status: JobStatus, text: str) -> None:
        """End a job that nobody asked to stop."""
        with self.job.lock:
            if self.job.completed is None and not self.job.stop.is_set():
                self.job.finish(status, text, self.state.now())

    def _pool_is_gone(self) -> bool:
        pools = cognitoidp_backends[self.pool.account_id][self.pool.region].user_pools
        return pools.get(self.pool.id) is not self.pool

    def _header_rule(self) -> HeaderRule:
        """Which columns the file may and must have (F1.9-F1.11, table 1e)."""
        expected = {name for name in csv_header(self.pool, self.settings) if name != PASSWORD_HASH}
        fatal = {PASSWORD_HASH} if self.job.algorithm else set()
        required = {column.name for column in pool_columns(self.pool).values() if column.required}
        takes_hash = (
            self.job.algorithm
            or self.settings.header_has_password_hash
            or self.settings.hash_without_algorithm != "fail_job"
        )
        return HeaderRule(
            known=frozenset(expected | ({PASSWORD_HASH} if takes_hash else set())),
            expected=frozenset(expected | fatal),
            needed=frozenset(required | {USERNAME} | fatal),
            fatal=frozenset(fatal),
        )

    def _pool_rules(self, file: ImportFile) -> PoolRules:
        config = self.pool.extended_config
        policy = (config.get("Policies") or {}).get("SignInPolicy") or {}
        factors = policy.get("AllowedFirstAuthFactors") or ()
        return PoolRules(
            columns=pool_columns(self.pool),
            case_sensitive=(config.get("UsernameConfiguration") or {}).get("CaseSensitive", True),
            auto_verified=tuple(config.get("AutoVerifiedAttributes") or ()),
            username_attributes=tuple(config.get("UsernameAttributes") or ()),
            alias_attributes=tuple(config.get("AliasAttributes") or ()),
            mfa=self.pool.mfa_config or "OFF",
            code_factors=tuple(FACTOR_CONTACTS[each] for each in factors if each in FACTOR_CONTACTS),
            algorithm=self.job.algorithm,
            missing=file.missing,
        )
