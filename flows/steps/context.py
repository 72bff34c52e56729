"""Everything the steps of one run need, opened once and handed on."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from connectors import aws
from connectors.cognito.import_jobs import ImportJobs
from connectors.cognito.pace import PaceTable
from connectors.cognito.quotas import Governor
from connectors.errors import ConfigurationError
from connectors.registry import make_source
from connectors.sources.base import HeadedSource, SampledSource
from connectors.sources.cognito_pool import CognitoSource
from flows.ledger.leases import Leases
from flows.settings import LoadedRunFile, fill_secrets
from flows.steps.progress import Progress, Silence, Watched
from mappings.engine import CompiledMapping, compile_mapping
from mappings.narrow import unknown_fields
from mappings.rules import Rules
from mappings.spec import MappingSpec, parse_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from sqlalchemy import Engine

    from connectors.records import PoolSchema
    from connectors.sources.base import Source
    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger


LONGEST_HOST = 40
"""Letters of a host's name that a worker's name keeps."""


def worker_name() -> str:
    """A name that no other worker has, also where two machines share a name: ``host:4711:3f2a9c``."""
    return f"{socket.gethostname()[:LONGEST_HOST]}:{os.getpid()}:{secrets.token_hex(3)}"


@dataclass(frozen=True)
class Worker:
    """What every step needs and no run changes: who works, with which clock, and who listens."""

    progress: Progress = field(default_factory=Silence)
    clock: Callable[[], float] = time.time
    name: str = field(default_factory=worker_name)


@dataclass(frozen=True)
class Context:
    """One run, opened.

    Attributes:
        loaded: its run file.
        folder: its folder.
        ledger: its durable record.
        schema: the pool as it was described when the run was opened.
        worker: who works on it.
    """

    loaded: LoadedRunFile
    folder: RunFolder
    ledger: Ledger
    schema: PoolSchema
    worker: Worker

    @cached_property
    def leases(self) -> Leases:
        """What this worker has claimed of the run."""
        return Leases(self.ledger, self.worker.name, self.loaded.settings.lease_seconds)

    @cached_property
    def progress(self) -> Progress:
        """Who listens; each sign of progress is also a moment to see that the work is still ours."""
        return Watched(self.worker.progress, self.leases.check)

    @cached_property
    def source(self) -> Source:
        """The source, opened with its secrets filled in."""
        return source_of(self.loaded, self._shared)

    @cached_property
    def spec(self) -> MappingSpec:
        """The mapping's rules as written."""
        return spec_of(self.loaded)

    @cached_property
    def mapping(self) -> CompiledMapping:
        """The mapping, compiled against what the source and the pool know."""
        return mapping_of(self.loaded, self.source, self.spec, self.schema)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that travel, as the pages hold them: the source may be gone once it was read."""
        columns = self.folder.scan_users().collect_schema().names()
        return tuple(name for name in columns if not name.startswith("@"))

    @cached_property
    def rules(self) -> Rules:
        """The pool's rules."""
        return Rules(self.schema, self.loaded.settings.rules, self.spec.password_hash)

    @cached_property
    def governor(self) -> Governor:
        """Says how fast calls may go, and makes the pool's client keep to it."""
        return governor_of(self.loaded, self._shared)

    @property
    def _shared(self) -> Engine | None:
        """The database that all workers of a shared run reach."""
        return self.ledger.engine if self.folder.is_shared else None

    @property
    def cognito(self) -> CognitoIdentityProviderClient:
        """The pool's client."""
        return self.governor.client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """The client of the import log."""
        target = self.loaded.settings.target
        return aws.client("logs", region=target.region, profile=target.profile)

    @cached_property
    def jobs(self) -> ImportJobs:
        """The pool's import jobs."""
        return ImportJobs(self.cognito, self.loaded.settings.target.user_pool_id)


def source_of(loaded: LoadedRunFile, engine: Engine | None = None) -> Source:
    """Open the source of a run file, its secrets filled in; ``engine`` is as for ``governor_of``."""
    filled = {
        key: fill_secrets(value, where=f"{loaded.path}: source.{key}")
        for key, value in loaded.settings.source.items()
    }
    try:
        source = make_source(filled, loaded.base)
        if isinstance(source, CognitoSource):
            _govern(source, loaded, engine)
    except ConfigurationError as error:
        raise ConfigurationError(f"{loaded.path}: {error.what}", error.mend) from None
    return source


def _govern(source: CognitoSource, loaded: LoadedRunFile, engine: Engine | None) -> None:
    """Pace the calls to a pool that users are read from: people sign in there as well (F4.1).

    Where it may be of another account, that account's own limits hold, and not those of the run file.

    Raises:
        ConfigurationError: it is the pool that users travel into.
    """
    theirs, target, quotas = source.settings, loaded.settings.target, loaded.settings.quotas
    if theirs.user_pool_id == target.user_pool_id:
        raise ConfigurationError("source and target are the same pool.", "Name another pool in one of them.")
    is_beside = theirs.profile == target.profile and source.region == (target.region or source.region)
    Governor(
        source.client,
        _pace_table(loaded, engine),
        share=quotas.share,
        limits=quotas.limits if is_beside else {},
        per_pool=quotas.per_pool,
    )


def mapping_of(
    loaded: LoadedRunFile, source: Source, spec: MappingSpec, schema: PoolSchema
) -> CompiledMapping:
    """Compile a mapping against what source and pool know.

    Raises:
        ConfigurationError: the mapping does not fit them.
        SourceError: the source cannot be read, or a later one of its files lacks a field that the first has.
    """
    mapping = compile_mapping(
        spec,
        key=loaded.settings.source.get("key"),
        known_fields=known_fields(source, spec, loaded),
        known_attributes=schema.attributes,
        base=loaded.base,
        where=f"{loaded.path}: mapping",
    )
    if isinstance(source, HeadedSource):
        source.check_fields(mapping.fields)
    return mapping


def known_fields(source: Source, spec: MappingSpec, loaded: LoadedRunFile) -> list[str] | None:
    """The fields of a source; one that knows them from a sample looks further for what the mapping asks for.

    Returns:
        None where the source has no users, and so knows of no field.
    """
    fields = source.fields()
    missing = unknown_fields(spec, fields, loaded.settings.source.get("key"))
    if fields and missing and isinstance(source, SampledSource):
        fields += source.find(missing)
    return fields or None


def spec_of(loaded: LoadedRunFile) -> MappingSpec:
    """The mapping of a run file, checked."""
    return parse_mapping(loaded.settings.mapping, where=f"{loaded.path}: mapping")


def cognito_client(loaded: LoadedRunFile) -> CognitoIdentityProviderClient:
    """The client of the run file's pool, governed."""
    return governor_of(loaded).client


def governor_of(loaded: LoadedRunFile, engine: Engine | None = None) -> Governor:
    """Make the client of the run file's pool, and the governor of its calls.

    Args:
        loaded: the run file.
        engine: a database that all workers reach, PostgreSQL for several machines; default: a file in
            the folder that the runs of this machine share, or this process alone where it is not made yet.
    """
    target, quotas = loaded.settings.target, loaded.settings.quotas
    return Governor(
        aws.client("cognito-idp", region=target.region, profile=target.profile),
        _pace_table(loaded, engine),
        share=quotas.share,
        limits=quotas.limits,
        per_pool=quotas.per_pool,
    )


def _pace_table(loaded: LoadedRunFile, engine: Engine | None) -> PaceTable:
    if engine:
        return PaceTable(engine)
    path = loaded.pace_file
    return PaceTable.in_file(path) if path.parent.is_dir() else PaceTable.in_memory()
