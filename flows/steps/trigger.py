"""The migration trigger of a run file: deployed with the run's deferred users, attached, watched, removed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.cognito.app_clients import AppClient, read_app_clients
from connectors.cognito.pool import read_pool
from connectors.cognito.pool_update import (
    PoolSettings,
    read_settings,
    refuse_during_jobs,
    refuse_two_messages,
    update_pool,
)
from connectors.cognito.trigger.clients import make_clients
from connectors.cognito.trigger.deployment import Deployment, new_name_key
from connectors.cognito.trigger.handler.settings import Secrets, Settings
from connectors.cognito.trigger.people import Deferred, People, Progress, Tally, read_progress
from connectors.cognito.trigger.policies import Place
from connectors.errors import ConfigurationError
from connectors.records import PASSWORD, PASSWORD_HASH, USERNAME
from flows.ledger.families import chain_of, descendants_of, is_purged, is_retry, record_of, refuse_purged
from flows.ledger.folder import RunFolder, runs_of
from flows.ledger.segments import scan_users
from flows.ledger.states import RunState
from flows.settings import fill_secrets
from flows.steps.columns import VERDICT
from flows.steps.context import cognito_client
from mappings.duplicates import ORDINAL
from mappings.hash_schemes.listed import labels_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from connectors.cognito.trigger.clients import Clients
    from connectors.cognito.trigger.package import Package
    from connectors.records import PoolSchema
    from flows.settings import LoadedRunFile
    from flows.steps.context import Worker

DAY = 86_400
TRIGGER = "UserMigration"
"""The trigger's name in ``LambdaConfig``."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What ``deploy`` has done.

    Attributes:
        name: of function, table, role and key.
        function_arn: the function.
        run_id: the run whose deferred users were loaded.
        tally: whom it loaded now; pages of an earlier deployment are not loaded again.
        progress: how many are loaded altogether, and how many have come.
    """

    name: str
    function_arn: str
    run_id: str
    tally: Tally
    progress: Progress

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "name": self.name, "function_arn": self.function_arn, "run_id": self.run_id,
            "loaded": self.tally.people, "schemes": dict(self.tally.schemes),
            "only_by_code": dict(self.tally.problems), "shared_names": self.tally.shared_names,
            "deferred": self.progress.deferred, "to_come": self.progress.to_come,
        }  # fmt: skip


@dataclass(frozen=True)
class TriggerOf:
    """The trigger of one run file, with the pool as it is now.

    Attributes:
        loaded: the run file.
        cognito: a client of the pool.
        pool: the pool's settings.
        clients: clients of the other services.
    """

    loaded: LoadedRunFile
    cognito: CognitoIdentityProviderClient
    pool: PoolSettings
    clients: Clients

    @cached_property
    def place(self) -> Place:
        """Where the trigger lives: in the pool's account and Region."""
        settings = self.loaded.settings
        _, partition, _, region, account, *_ = self.pool.arn.split(":")
        return Place(partition, region, account, settings.trigger.name or self._own_name)

    @property
    def _own_name(self) -> str:
        """With the pool in it, so that nobody's table lets people into another pool; 64 letters at most."""
        pool = self.pool_id.partition("_")[2][:16]
        return f"{f'poolferry-trigger-{self.loaded.settings.name}'[: 63 - len(pool)]}-{pool}"

    @cached_property
    def deployment(self) -> Deployment:
        """Its resources."""
        return Deployment(self.clients, self.place)

    @property
    def pool_id(self) -> str:
        """The pool."""
        return self.loaded.settings.target.user_pool_id

    @property
    def attached(self) -> str | None:
        """The migration trigger that the pool has now, whosever it is."""
        found = self.pool.triggers.get(TRIGGER)
        return str(found) if found else None

    @property
    def is_attached(self) -> bool:
        """Whether the pool has this one."""
        return self.attached == self.place.function_arn


def trigger_of(loaded: LoadedRunFile) -> TriggerOf:
    """Open the trigger of a run file.

    Raises:
        TargetError: there is no such pool, or a right is missing.
    """
    target, cognito = loaded.settings.target, cognito_client(loaded)
    pool = read_settings(cognito, target.user_pool_id)
    return TriggerOf(loaded, cognito, pool, make_clients(target.region, target.profile))


def deploy(trigger: TriggerOf, worker: Worker, package: Package) -> Deployed:
    """Make all resources, load the newest run's deferred users, and make the function.

    May be repeated: what is there is found, and pages that were loaded are not loaded again. Attaches
    nothing.

    Raises:
        ConfigurationError: there is no run, it has not chosen ways yet, a name is somebody else's, or the
            package is too large.
        TargetError: a right is missing.
    """
    package.refuse_too_large()
    loaded, made = trigger.loaded, trigger.deployment
    folder = newest_run(loaded, trigger.pool_id)
    schema = read_pool(trigger.cognito, trigger.pool_id)
    made.found()
    worker.progress.note(f"key, table and role {trigger.place.name}")
    key_arn = made.make_key()
    made.make_table(key_arn)
    secrets = made.read_secrets() or Secrets(new_name_key(), "", {}, {})
    secrets = Secrets(secrets.name_key, secrets.decoy, _parameters(loaded), _live_secrets(loaded))
    made.keep_secrets(key_arn, secrets)
    expires = int(worker.clock()) + loaded.settings.trigger.expires_days * DAY
    people = People(
        trigger.clients.dynamodb, trigger.place.name, schema, secrets.name_key, secrets.parameters, expires
    )
    load(folder, people, worker)
    secrets = Secrets(secrets.name_key, people.tally.decoy or secrets.decoy, secrets.parameters, secrets.live)
    sealed = made.keep_secrets(key_arn, secrets)
    role_arn = made.make_role(key_arn)
    made.make_log_group()
    worker.progress.note(f"function {trigger.place.name}: {package.size / 1e6:.1f} MB")
    environment = {
        "POOLFERRY": environment_of(loaded, trigger.place.name, schema),
        "POOLFERRY_SECRETS": sealed,
    }
    arn = made.make_function(package, role_arn, environment, loaded.settings.trigger.memory)
    progress = read_progress(trigger.clients.dynamodb, trigger.place.name)
    return Deployed(trigger.place.name, arn, folder.run_id, people.tally, progress)


def load(folder: RunFolder, people: People, worker: Worker) -> None:
    """Load the deferred users of a run and its retries, page by page.

    A delta run knows those alone who have changed: the runs that it goes on from are loaded before it.
    """
    done = people.begin()
    runs = [run for each in chain_of(folder) if not is_purged(each) for run in _family(each)]
    family = [(run, _deferred_ordinals(run)) for run in runs]
    worker.progress.stage("Loading deferred users", sum(each.len() for _, each in family), "users")
    loaded = 0
    for run, deferred in family:
        for page, frame in deferred_pages(run, deferred):
            name = f"{run.run_id}/{page}"
            if done.get(name) != frame.height:  # a run under way may have deferred more of the page since
                people.load(name, people_of(frame))
            loaded += frame.height
            worker.progress.update(loaded)


def deferred_pages(folder: RunFolder, deferred: pl.Series) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each page's name, and the users of it who are deferred."""
    wanted = deferred.to_frame(ORDINAL)
    for path in folder.pages():
        found = scan_users(path).join(wanted.lazy(), on=ORDINAL, how="semi").collect()
        if found.height:
            yield path.stem, found


def people_of(frame: pl.DataFrame) -> Iterator[Deferred]:
    """Users of a page as the trigger's table takes them.

    Hashes stand as in the source: what they are wrapped in, such as Keycloak's JSON, is taken off here.
    """
    attributes = [name for name in frame.columns if not name.startswith("@")]
    hashes = frame[PASSWORD_HASH]
    bare = frame.with_columns(unwrapped(hashes, labels_of(hashes))[0].fill_null(hashes).alias(PASSWORD_HASH))
    for row in bare.iter_rows(named=True):
        filled = {name: row[name] for name in attributes if row[name]}
        yield Deferred(row[USERNAME], filled, row[PASSWORD_HASH], row[PASSWORD])


def environment_of(loaded: LoadedRunFile, table: str, schema: PoolSchema) -> str:
    """The function's settings as it reads them; nothing of them is secret."""
    chosen = loaded.settings.trigger
    elsewhere = {"client_secret", "ca_file"}  # sealed, and in the zip
    live = chosen.live.model_dump(exclude_defaults=True, exclude=elsewhere) if chosen.live else None
    settings = Settings(
        table=table,
        username_attributes=schema.username_attributes,
        alias_attributes=schema.alias_attributes,
        case_sensitive=schema.case_sensitive,
        tries=chosen.tries,
        window_seconds=chosen.window_seconds,
        forgot_password=chosen.forgot_password,
        live=live,
    )
    return json.dumps(asdict(settings), separators=(",", ":"))


def attach(trigger: TriggerOf) -> list[AppClient]:
    """Let the pool ask the function, with every other setting of the pool carried over.

    Returns:
        The app clients that reach it.

    Raises:
        ConfigurationError: it is not deployed, another migration trigger is attached, no app client allows a
            flow that reaches it (F6.13), an import job is active (F3.18), or a setting of the pool cannot be
            carried over (F6.28).
        TargetError: the pool refuses, or changed more than it was asked to; that was put back.
    """
    place, others = trigger.place, trigger.attached and not trigger.is_attached
    if others:
        raise ConfigurationError(
            "The pool has another migration trigger.", "Detach that one first: a pool has only one."
        )
    if not trigger.deployment.found().function:
        raise ConfigurationError(
            f"There is no function {place.name}.", "Run `poolferry trigger deploy` first."
        )
    reaching = [each for each in read_app_clients(trigger.cognito, trigger.pool_id) if each.password_flows]
    if not reaching:
        raise ConfigurationError(
            "No app client of the pool allows a flow that reaches the trigger (F6.13).",
            "Allow ALLOW_USER_PASSWORD_AUTH or ALLOW_ADMIN_USER_PASSWORD_AUTH for the one people sign in by.",
        )
    refuse_during_jobs(trigger.cognito, trigger.pool_id)
    if not trigger.is_attached:
        refuse_two_messages(trigger.pool)
    trigger.deployment.let_pool_invoke(trigger.pool_id, trigger.pool.arn)
    if not trigger.is_attached:
        triggers = {**trigger.pool.triggers, TRIGGER: place.function_arn}
        update_pool(trigger.cognito, trigger.pool, {"LambdaConfig": triggers})
    return reaching


def detach(trigger: TriggerOf) -> bool:
    """Take the trigger off the pool, with every other setting carried over.

    Returns:
        False where it was not attached.

    Raises:
        ConfigurationError: another one is attached, or an import job is active.
        TargetError: as ``attach``.
    """
    if trigger.attached and not trigger.is_attached:
        raise ConfigurationError("The pool's migration trigger is not this run file's: it is left alone.")
    if trigger.is_attached:
        triggers = {name: value for name, value in trigger.pool.triggers.items() if name != TRIGGER}
        update_pool(trigger.cognito, trigger.pool, {"LambdaConfig": triggers})
    if trigger.deployment.found().function:
        trigger.deployment.forbid_pool(trigger.pool_id)
    return trigger.is_attached


def status(trigger: TriggerOf) -> dict[str, Any]:
    """Whether it is deployed and attached, and how many are still to come.

    Raises:
        ConfigurationError: a resource of its name is somebody else's.
        TargetError: a right is missing.
    """
    found = trigger.deployment.found()
    place, progress = trigger.place, Progress(0, 0, 0, {})
    if found.table:
        progress = read_progress(trigger.clients.dynamodb, place.name)
    return {
        "name": place.name, "deployed": found.function, "attached": trigger.is_attached,
        "deferred": progress.deferred, "arrived": progress.arrived, "to_come": progress.to_come,
        "expires": progress.expires, "outcomes": dict(progress.outcomes),
    }  # fmt: skip


def remove(trigger: TriggerOf, *, really: bool) -> tuple[int, list[str]]:
    """Remove every resource, or only look.

    Returns:
        How many users have not come yet and cannot any more afterwards, and what was removed, in words.

    Raises:
        ConfigurationError: it is still attached, or there is nothing to remove.
    """
    if trigger.is_attached:
        raise ConfigurationError(
            "The trigger is attached: without its function every unknown sign-in would fail.",
            "Run `poolferry trigger detach` first.",
        )
    found = trigger.deployment.found()
    resources = (found.key_arn, found.table, found.role, found.function)
    if not any(resources) and not trigger.deployment.left_keys():
        raise ConfigurationError(f"There is nothing of the name {trigger.place.name} to remove.")
    to_come = read_progress(trigger.clients.dynamodb, trigger.place.name).to_come if found.table else 0
    return to_come, trigger.deployment.remove() if really else []


def newest_run(loaded: LoadedRunFile, pool_id: str) -> RunFolder:
    """Find the newest run that knows who is deferred, finished or not, and is no retry.

    Raises:
        ConfigurationError: there is none, it fills another pool, or it was purged.
    """
    for folder in reversed(runs_of(loaded.state_folder)):
        run = record_of(folder)
        if is_retry(folder) or run.state in (RunState.READING, RunState.ROUTING):
            continue
        if run.pool_id != pool_id:
            raise ConfigurationError(
                f"Run {folder.run_id} does not fill the pool {pool_id}.",
                "Put target.user_pool_id back as it was.",
            )
        refuse_purged(folder)
        return folder
    raise ConfigurationError(
        f"There is no run in {loaded.state_folder} that has chosen a way for every user.",
        "Run `poolferry run` with this run file first.",
    )


def _family(folder: RunFolder) -> list[RunFolder]:
    """A run and those of its retries that have chosen a way for everybody."""
    retries = [run for run in descendants_of(folder) if run.all("outcomes")]
    return [folder, *retries]


def _deferred_ordinals(folder: RunFolder) -> pl.Series:
    outcomes = pl.scan_parquet(folder.all("outcomes")).filter(pl.col(VERDICT) == "deferred")
    return outcomes.select(ORDINAL).unique().collect()[ORDINAL]


def _parameters(loaded: LoadedRunFile) -> dict[str, Any]:
    firebase = loaded.settings.trigger.firebase_scrypt
    if firebase is None:
        return {}
    where = f"{loaded.path}: trigger.firebase_scrypt"
    return {"firebase_scrypt": fill_secrets(firebase.model_dump(), where=where)}


def _live_secrets(loaded: LoadedRunFile) -> dict[str, str]:
    live = loaded.settings.trigger.live
    if live is None or not live.client_secret:
        return {}
    return {"client_secret": str(fill_secrets(live.client_secret, where=f"{loaded.path}: trigger.live"))}
