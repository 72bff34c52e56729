"""Everything a run needs, looked at before the night: each finding says how to mend it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from connectors import aws
from connectors.cognito.error_codes import pool_call
from connectors.cognito.import_jobs import ImportJobs
from connectors.cognito.limits import MAX_JOBS
from connectors.cognito.pool import read_pool
from connectors.cognito.role import check_role, create_role
from connectors.errors import ConfigurationError, PoolferryError, StopError, ThrottledError
from flows.ledger.copies import is_in_s3, try_to_write
from flows.ledger.folder import runs_of
from flows.steps.attributes import lacking, left_behind
from flows.steps.context import cognito_client, governor_of, mapping_of, source_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from connectors.records import PoolSchema
    from flows.settings import LoadedRunFile
    from flows.steps.progress import Progress
    from flows.steps.trying_hashes import Trial


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    text: str
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return asdict(self)


def check_run_file(loaded: LoadedRunFile, *, made_role: bool = False) -> list[Finding]:
    """Look at source, state, pool, mapping, jobs and role; every look is made, whatever the others found.

    ``made_role`` says that a role was made just now, so that nobody is told to make one.
    """
    found = [_look("source", lambda: _source(loaded))]
    if is_in_s3(loaded.settings.state):
        found.append(_look("state", lambda: _state(loaded)))
    schema: list[PoolSchema] = []
    found.append(_look("pool", lambda: _pool(loaded, schema)))
    if schema:
        found.append(_look("mapping", lambda: _mapping(loaded, schema[0])))
        found.append(_look("request rates", lambda: _rates(loaded)))
    if "import_job" in loaded.settings.strategies and schema:
        found += [
            _look("auto-verified attribute", lambda: _auto_verified(schema[0])),
            _look("import jobs", lambda: _jobs(loaded)),
            _look("import role", lambda: _role(loaded, made_role=made_role)),
        ]
    return found


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())  # noqa: FBT003 - the field's name says it
    except PoolferryError as error:
        return Finding(what, False, error.what, error.mend)  # noqa: FBT003 - the field's name says it


def _source(loaded: LoadedRunFile) -> str:
    source = source_of(loaded)
    source.check()
    count = source.count()
    return f"{len(source.fields())} fields" + (f", {count:,} users" if count is not None else "")


def _state(loaded: LoadedRunFile) -> str:
    runs = len(runs_of(loaded.state_folder))
    try_to_write(loaded.state_folder)
    return f"{runs:,} runs of this name are there; an object was written and deleted"


def _pool(loaded: LoadedRunFile, into: list[PoolSchema]) -> str:
    client, target = cognito_client(loaded), loaded.settings.target
    _knock(client, target.user_pool_id)
    schema = read_pool(client, target.user_pool_id, profile=target.profile)
    into.append(schema)
    return (
        f"{schema.name}: {len(schema.attributes)} attributes, about {schema.estimated_users:,} users, "
        f"MFA {schema.mfa}, usernames {'case-sensitive' if schema.case_sensitive else 'case-insensitive'}"
    )


def _knock(client: CognitoIdentityProviderClient, pool_id: str) -> None:
    """Ask once: who looks wants to know at once that nobody answers, where a run would ask for a while.

    What only a person can mend is left to ``read_pool``, which tells it better.
    """
    with suppress(StopError, ThrottledError), pool_call("DescribeUserPool"):
        client.describe_user_pool(UserPoolId=pool_id)


def _mapping(loaded: LoadedRunFile, schema: PoolSchema) -> str:
    try:
        return _compiled(loaded, schema)
    except ConfigurationError as error:
        if error.mend or not lacking(loaded, schema):
            raise
        mend = "`poolferry check RUN_FILE --create-attributes` adds custom attributes that the pool lacks."
        raise ConfigurationError(error.what, mend) from None


def _compiled(loaded: LoadedRunFile, schema: PoolSchema) -> str:
    source, spec = source_of(loaded), spec_of(loaded)
    mapping = mapping_of(loaded, source, spec, schema)
    missing = [a.name for a in schema.attributes.values() if a.required and a.name not in mapping.attributes]
    if missing:
        raise ConfigurationError(
            f"The pool requires {', '.join(missing)}, which the mapping does not fill.", "Add rules for them."
        )
    fields = f"{len(mapping.fields)} of the source's {len(source.fields())} fields"
    left = left_behind(source, mapping)
    note = f"; nothing reads the source's {', '.join(left)}" if left else ""
    return f"fills {len(mapping.attributes)} attributes from {fields}{note}"


def _rates(loaded: LoadedRunFile) -> str:
    """Tell how fast the calls go that a run makes one by one; a limit that cannot be asked for is a note."""
    governor, strategies = governor_of(loaded), loaded.settings.strategies
    creating = ("AdminCreateUser", "AdminSetUserPassword") if "admin_create_user" in strategies else ()
    rates = [governor.allowance(name) for name in (*creating, "AdminAddUserToGroup", "ListUsers")]
    told = [f"{each.category} {each.text}" for each in rates]
    return "; ".join(told + [f"default because {each.note}" for each in rates if each.note])


def _auto_verified(schema: PoolSchema) -> str:
    if not schema.auto_verified:
        raise ConfigurationError(
            "The pool verifies no attribute automatically, so no import job starts (F1.30).",
            "Set AutoVerifiedAttributes to email or phone_number, or use another strategy.",
        )
    return ", ".join(schema.auto_verified)


def _jobs(loaded: LoadedRunFile) -> str:
    used = ImportJobs(cognito_client(loaded), loaded.settings.target.user_pool_id).count_jobs()
    return f"{used:,} of the pool's {MAX_JOBS:,} jobs are used (F3.15)"


def _role(loaded: LoadedRunFile, *, made_role: bool) -> str:
    target, take = loaded.settings.target, "Put the ARN above into the run file." if made_role else None
    if not target.log_role_arn:
        make = "`poolferry check RUN_FILE --create-role` makes the role (F3.34)."
        raise ConfigurationError("target.log_role_arn is missing.", take or make)
    problems = check_role(
        aws.client("iam", region=target.region, profile=target.profile), target.log_role_arn
    )
    if problems:
        raise ConfigurationError(
            "The import role cannot do its work: " + "; ".join(problems) + ".",
            take or "Mend the role, or make one with --create-role.",
        )
    return "trusted by Cognito, and may write the import log"


def try_hashes(loaded: LoadedRunFile, progress: Progress) -> list[Finding]:
    """Ask the pool by tiny import jobs which hashes it takes; each costs one of its 1,000 jobs (F3.15)."""
    from flows.steps.trying_hashes import try_hashes as ask  # noqa: PLC0415 - only this option needs it

    try:
        trials = ask(loaded, progress)
    except PoolferryError as error:
        return [Finding("hashes", False, error.what, error.mend)]  # noqa: FBT003 - the field's name says it
    if not trials:
        text = "the first page of the source has no hash that an import job could carry: nothing was tried"
        return [Finding("hashes", True, text)]  # noqa: FBT003 - same
    alphabet = loaded.settings.rules.pbkdf2_alphabet
    return [_look(f"{trial.algorithm} hashes", partial(_trial, trial, alphabet)) for trial in trials]


def _trial(trial: Trial, alphabet: str) -> str:
    if trial.left:
        raise ConfigurationError(
            f"{len(trial.left)} invented users of the trial could not be deleted.",
            f"Delete them: {', '.join(trial.left)}.",
        )
    if trial.refused:
        raise ConfigurationError(
            f"The pool refuses import jobs with them (F2.2): {trial.refused}",
            "If the import role is good, these users go another way: see `password_hash.without`.",
        )
    if not trial.taken:
        raise ConfigurationError(
            "An import job took a user without a hash and refused the one with it.",
            "Look into the import job's log; a run would fail these users.",
        )
    if trial.algorithm != "PBKDF2_SHA256":
        return "taken: the user with a hash was CONFIRMED at once (F2.11)"
    if len(trial.taken) > 1:
        return "taken in both alphabets (F2.8): let one user sign in before you set rules.pbkdf2_alphabet"
    if alphabet not in trial.taken:
        raise ConfigurationError(
            f"The pool takes PBKDF2 hashes in the alphabet {trial.taken[0]} alone (F2.8).",
            f"Set rules.pbkdf2_alphabet: {trial.taken[0]}",
        )
    return f"taken in the alphabet {trial.taken[0]} alone, as the run file says (F2.8)"


def create_import_role(loaded: LoadedRunFile, name: str) -> str:
    """Create the role that Cognito logs with, or complete the one of that name; returns its ARN."""
    target = loaded.settings.target
    return create_role(aws.client("iam", region=target.region, profile=target.profile), name)


def checks_table(found: list[Finding]) -> Table:
    """One line a finding."""
    table = Table(title="Checks", title_justify="left")
    for head in ("", "what", "found", "how to mend it"):
        table.add_column(head, overflow="fold")
    for item in found:
        mark = Text("✓", style="green") if item.good else Text("✗", style="red")
        table.add_row(mark, item.what, item.text, item.mend)
    return table
