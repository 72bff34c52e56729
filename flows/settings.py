"""The run file: YAML 1.2, checked by pydantic, unknown keys refused with the known ones.

Secrets are never in it: what stands for them (``flows.secret_stores``) is filled when a source is opened,
and the frozen copy in the run's folder keeps the ``${NAME}``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from connectors.cognito.limits import PER_POOL_RPS, SHARE, Category
from connectors.errors import ConfigurationError, unknown_name
from flows.ledger.copies import copied_runs, is_in_s3
from flows.secret_stores import REFERENCE, secret_of
from flows.settings_trigger import TriggerSettings
from mappings.documents import parse_yaml
from mappings.rules import RuleOptions

if TYPE_CHECKING:
    from pathlib import Path

StrategyName = Literal["import_job", "admin_create_user", "migration_trigger"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Part):
    """The user pool that users travel into."""

    user_pool_id: str = Field(description="The pool's id.", examples=["eu-west-1_Example01"])
    region: str | None = Field(default=None, description="AWS Region; default: as boto3 finds it.")
    profile: str | None = Field(default=None, description="AWS profile; default: as boto3 finds it.")
    log_role_arn: str | None = Field(
        default=None,
        description="Role with which Cognito writes the import log (F3.34); import jobs need it.",
    )


class JobSettings(_Part):
    """How import jobs are watched."""

    poll_seconds: float = Field(default=10.0, gt=0, description="Seconds between two looks at a job.")
    max_polls: int = Field(default=4320, gt=0, description="Looks after which a job counts as stuck.")
    log_patience_seconds: float = Field(
        default=120.0,
        ge=0,
        description="How long late log lines (F3.31), and users whom ListUsers does not show yet (F5.15), are"
        " awaited.",
    )
    busy_patience_seconds: float = Field(
        default=3600.0, ge=0, description="How long to wait while another import job is active (F3.14)."
    )
    max_extra_jobs: int = Field(
        default=100,
        ge=0,
        le=1_000,
        description="Jobs that a run may use beyond its planned ones, for users whom jobs that failed or were"
        " stopped did not reach; a pool has 1,000 in its life (F3.15).",
    )
    max_rows: int = Field(default=500_000, gt=0, le=500_000, description="Rows of one CSV (F1.23).")
    max_bytes: int = Field(default=100_000_000, gt=0, le=100_000_000, description="Bytes of one CSV (F1.24).")


class QuotaSettings(_Part):
    """How much of the request rates that live sign-ins share is taken."""

    share: float = Field(
        default=SHARE,
        gt=0,
        le=1,
        description="Share of each category's requests a second; the rest is left to live traffic (F4.1).",
    )
    limits: dict[Category, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Requests a second by category, instead of those that GetProvisionedLimit tells"
        " (F4.5) or the defaults (F4.1); the share is taken of these.",
    )
    per_pool: float = Field(
        default=PER_POOL_RPS,
        gt=0,
        description="Requests a second of one operation on one pool, in the categories that are limited so"
        " besides (F4.1).",
    )


class AdminCreateUserSettings(_Part):
    """How users are created one by one."""

    invite: tuple[Literal["sms", "email"], ...] = Field(
        default=(),
        description="Media by which Cognito shall send a created user an invitation with a temporary password"
        " (F5.2): only to enabled users who bring no password and have such a contact. `false`, the default:"
        " nobody is sent anything.",
    )
    alias_clash: Literal["reject", "force"] = Field(
        default="reject",
        description="What happens to a user whose verified e-mail address or phone number, or preferred"
        " username, is an alias of another user of the pool. `force`: AdminCreateUser takes the alias away"
        " from that user, who keeps the account but can no longer sign in with it (F5.8).",
    )
    marker: str | None = Field(
        default=None,
        description="A custom attribute of the pool that gets the run's id; by it a user whose creation was"
        " never confirmed is known again for sure. Without it attributes and time of creation are compared.",
        examples=["custom:migration_run"],
    )
    threads: int = Field(
        default=12, ge=1, le=50, description="Calls under way at once; the quota bounds their rate."
    )

    @field_validator("invite", mode="before")
    @classmethod
    def _no_or_some(cls, given: object) -> object:
        """``false`` stands for nobody, one medium for a list of one."""
        return () if given is False else (given,) if isinstance(given, str) else given


class RunFile(_Part):
    """One migration, as its owner wrote it down."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", description="Name of the run's folder.")
    source: dict[str, Any] = Field(description="Which system to read: `kind` and that connector's settings.")
    mapping: str | dict[str, Any] = Field(description="Rules, a preset's name, or a preset and rules.")
    target: Target
    strategies: tuple[StrategyName, ...] = Field(
        default=("import_job",), min_length=1, description="Ways into the pool, the first that fits is taken."
    )
    mode: Literal["full", "delta"] = Field(
        default="full",
        description="Whom a run takes. `delta`: who is new or has changed in the source since the last"
        " finished run of this name; who left the source is told, and never deleted.",
    )
    unmapped: Literal["report", "refuse", "ignore"] = Field(
        default="report",
        description="What happens where the source has fields that no rule reads: they are told with how full"
        " they are in a sample, or the run does not begin, or nobody looks.",
    )
    existing: Literal["leave", "update"] = Field(
        default="leave",
        description="What happens to users who are in the pool already. `update`: attributes that differ are"
        " written and missing groups joined; nothing is taken away, nothing verified becomes unverified, and"
        " whether they are enabled stays as it is.",
    )
    verify: Literal["full", "sample", "none"] = Field(
        default="full", description="How much of the pool is read back with ListUsers (F8.4)."
    )
    state: str = Field(
        default="./runs",
        description="Folder of the runs, relative to the run file, or `s3://bucket/prefix`: then one machine"
        " at a time works on them, and another one can go on.",
    )
    ledger: str | None = Field(
        default=None,
        description="Where several workers share a run: `postgresql+psycopg://user:${DB_PASSWORD}@host/db`, "
        "and `state` on a disk that all of them see; default: SQLite in the run's folder, for one worker.",
    )
    lease_seconds: float = Field(
        default=60.0, gt=0, description="Seconds after which others take over the work of a worker that died."
    )
    jobs: JobSettings = Field(default_factory=JobSettings, description="How import jobs are watched.")
    quotas: QuotaSettings = Field(
        default_factory=QuotaSettings, description="How much of the shared request rates is taken (F4.1)."
    )
    admin_create_user: AdminCreateUserSettings = Field(
        default_factory=AdminCreateUserSettings, description="How users are created one by one."
    )
    trigger: TriggerSettings = Field(
        default_factory=TriggerSettings, description="How `poolferry trigger` deploys the migration trigger."
    )
    rules: RuleOptions = Field(default_factory=RuleOptions, description="Switches for what AWS leaves open.")

    @field_validator("ledger")
    @classmethod
    def _not_beside_s3(cls, ledger: str | None, info: ValidationInfo) -> str | None:
        if ledger is not None and is_in_s3(str(info.data.get("state", ""))):
            raise ValueError("a state in S3 is for one worker at a time; several need a folder that all see")
        return ledger


@dataclass(frozen=True, slots=True)
class LoadedRunFile:
    """A run file with where it came from.

    Attributes:
        settings: the checked content.
        path: the file itself; relative paths in it start at its folder.
        text: as it stood on disk.
        repair: a file of differences whose users its next run takes as well; an option of the command.
    """

    settings: RunFile
    path: Path
    text: str
    repair: Path | None = None

    @property
    def base(self) -> Path:
        """The folder that relative paths start at."""
        return self.path.parent

    @property
    def fingerprint(self) -> str:
        """Changes with every change of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def state_folder(self) -> Path:
        """Where this run's folder lies: ``STATE/NAME``; of a state in S3 its copy on this machine.

        Raises:
            StopError: S3 does not answer, or may not be read.
        """
        state, target = self.settings.state, self.settings.target
        if is_in_s3(state):
            return copied_runs(state, self.settings.name, region=target.region, profile=target.profile)
        return (self.base / self.settings.state / self.settings.name).resolve()

    @property
    def pace_file(self) -> Path:
        """Where the runs of one machine keep their pace (SQLite), ``STATE/.pace.db``."""
        return self.state_folder.parent / ".pace.db"


def load_run_file(path: Path) -> LoadedRunFile:
    """Read and check a run file.

    Raises:
        ConfigurationError: it cannot be read, is no YAML, or a key or value is wrong; the text
            names the file, the key and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({type(error).__name__}).", "Write one with `poolferry init`."
        ) from None
    data = _parse(text, path)
    try:
        settings = RunFile.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(describe(error, RunFile, str(path))) from None
    return LoadedRunFile(settings, path.resolve(), text)


def _parse(text: str, path: Path) -> object:
    data = parse_yaml(text, where=str(path))
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: a run file is a YAML mapping with the keys {_keys(RunFile)}.")
    return data


def _keys(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def describe(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """Say in one text what pydantic refused: key, reason, known alternatives; never the value."""
    return "\n".join(_one(dict(item), model, where) for item in error.errors(include_input=False))


def _one(item: dict[str, Any], model: type[BaseModel], where: str) -> str:
    parts = [str(part) for part in item["loc"]]
    key = ".".join(parts)
    if item["type"] == "extra_forbidden":
        parent = _model_at(model, parts[:-1])
        return unknown_name("key", parts[-1], parent.model_fields, where=f"{where}: {key}")
    return f"{where}: {key}: {item['msg'][0].lower()}{item['msg'][1:]}."


def _model_at(model: type[BaseModel], parts: list[str]) -> type[BaseModel]:
    for part in parts:
        field = model.model_fields.get(part)
        if (
            field is None
            or not isinstance(field.annotation, type)
            or not issubclass(field.annotation, BaseModel)
        ):
            return model
        model = field.annotation
    return model


def fill_secrets(value: object, *, where: str) -> object:
    """Fill every ``${NAME}`` and ``${STORE:NAME#KEY}`` in texts, at any depth; see ``flows.secret_stores``.

    Raises:
        ConfigurationError: a secret is not there; the text names it and where it stands.
        RetryError: a store does not answer.
    """
    if isinstance(value, str):
        return REFERENCE.sub(lambda found: secret_of(found[0], where), value)
    if isinstance(value, dict):
        return {str(key): fill_secrets(item, where=f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_secrets(item, where=f"{where}[{n}]") for n, item in enumerate(value)]
    return value
