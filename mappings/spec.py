"""What a mapping says, checked: the models of ``mapping:`` in a run file, and how one is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from connectors.errors import ConfigurationError, unknown_name
from mappings import templates
from mappings.arguments import Piece, Strict, Text, refuse
from mappings.calls import Conversion, VerbCall, checked
from mappings.conditions import Condition  # noqa: TC001 - pydantic reads it at run time
from mappings.hash_schemes.listed import SCHEMES
from mappings.presets_read import preset
from mappings.problems import Path, all_problems, mapping_error, place

ORIGINS = ("from", "first_of", "template", "const", "lookup")
"""Where a value comes from; a rule has exactly one of these keys."""

_TABLE: TypeAdapter[dict[str, str | None]] = TypeAdapter(dict[Text, Text | None])


def _several(data: object) -> object:
    """A single item stands for a list of one."""
    return data if data is None or isinstance(data, list | tuple) else (data,)


def _template(text: str) -> str:
    try:
        templates.parts(text)
    except ValueError as error:
        raise refuse(f"{error}.") from None
    return text


Template = Annotated[Piece, BeforeValidator(lambda text: _template(text) if isinstance(text, str) else text)]


class Lookup(Strict):
    """``lookup: {from: field, table: plans.csv}``; the table may also be a map that stands right here.

    A value that the table does not have is a bad value; an entry that is empty or null is no value.
    ``columns`` names the two columns of a CSV file that has no header line.
    """

    from_: Piece = Field(alias="from")
    table: str | dict[str, str | None]
    columns: tuple[Text, Text] | None = None

    @field_validator("table", mode="plain")
    @classmethod
    def _path_or_map(cls, given: object) -> object:
        if isinstance(given, Mapping) and given:
            return checked(_TABLE, given, ())
        if isinstance(given, str) and given.strip():
            return given
        raise refuse("a table is the path of a .csv, .json or .yaml file, or a map.")

    @model_validator(mode="after")
    def _columns_of_a_csv(self) -> Self:
        if self.columns and not (isinstance(self.table, str) and self.table.lower().endswith(".csv")):
            raise refuse("only a table in a CSV file has columns to name.", ("columns",))
        return self


class Origin(Strict):
    """Where a value comes from, what is done to it, and when.

    Attributes:
        from_: one field of the source, or a path into one.
        first_of: the first of several fields that has a value.
        template: text with fields in braces; a field without value is empty there, white space
            is collapsed and trimmed, and there is no value when every field is without one.
        const: the same text for everybody.
        lookup: what a table has for a field.
        then: verbs, one after another.
        bad: what becomes of a value that a verb or conversion has no answer for: the user is
            rejected, the value is dropped, or the default takes its place.
        when: conditions that must all hold; if one does not, the rule has no value.
    """

    from_: Piece | None = Field(default=None, alias="from")
    first_of: tuple[Piece, ...] | None = Field(default=None, min_length=1)
    template: Template | None = None
    const: Piece | None = None
    lookup: Lookup | None = None
    then: Annotated[tuple[VerbCall, ...], BeforeValidator(_several)] = ()
    bad: Literal["reject", "drop", "default"] = "reject"
    when: Annotated[tuple[Condition, ...], BeforeValidator(_several)] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ORIGINS if getattr(self, "from_" if name == "from" else name) is not None]
        if len(given) != 1:
            found = f"it has {' and '.join(given)}" if given else "it has none"
            raise refuse(f"a rule has exactly one of {', '.join(ORIGINS)}; {found}.")
        return self

    @model_validator(mode="after")
    def _default_for_bad(self) -> Self:
        if self.bad == "default" and getattr(self, "default", None) is None:
            raise refuse("`bad: default` needs a `default`.", ("bad",))
        return self


class Rule(Origin):
    """How one value of a user is made.

    Attributes:
        as_: the conversion into the form of the API, after all verbs.
        default: the value where there is none, in the form of the API.
    """

    as_: Conversion | None = Field(default=None, alias="as")
    default: Text | None = None


UNSAID = (
    "a user whose `enabled` comes to nothing here may sign in unless it has a `default`; "
    "write `default: false` or `default: true` beside it."
)
"""What is wrong with a rule for ``enabled`` that may end without a value and has no default."""


def _may_leave_nothing(rule: Rule) -> str | None:
    """The key that makes a rule end without a value though its field has one."""
    if rule.when:
        return "when"
    if rule.bad == "drop":
        return "bad"
    return "then" if any(call.may_leave_nothing for call in rule.then) else None


Without = Literal["reset", "trigger", "random"]


class HashRule(Rule):
    """Where the password's hash comes from.

    Attributes:
        scheme: the name of the scheme of hashes that do not tell theirs by their beginning.
        without: what is done for a user without a hash that an import job takes. ``reset``: a new password
            at the first sign-in. ``trigger``: the migration trigger checks the old one. ``random``: a random
            password that nobody knows, set one by one. Without it the hash is kept by the first strategy
            that can.
    """

    scheme: Piece | None = None
    without: Without | None = None

    @field_validator("scheme")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in SCHEMES:
            raise refuse(unknown_name("scheme of password hashes", name, SCHEMES))
        return name


class ListRule(Origin):
    """How a list of texts is made from one text; blank parts and repetitions are left out.

    Without ``split`` a text such as ``["a", "b"]`` is read as JSON, one such as ``a:1:{s:1:"a";b:1;}`` as an
    array that PHP has serialised (its keys that are set, or its texts), any other is a list of one.

    Attributes:
        split: the text between two parts.
        each: a template for the members of JSON objects, as in ``"{provider}/{user_id}"``.
        then: verbs for each part.
        values: exchanges whole parts; one that is not listed stays, and null or an empty text takes it away.
        default: the list where there is none.
    """

    split: Piece | None = None
    each: Template | None = None
    values: dict[Text, Text | None] | None = Field(default=None, min_length=1)
    default: Annotated[tuple[Piece, ...], BeforeValidator(_several)] | None = None

    @model_validator(mode="after")
    def _split_or_each(self) -> Self:
        if self.split is not None and self.each is not None:
            raise refuse("`each` is for JSON texts, which need no `split`; leave one of them out.", ("each",))
        return self


ListRules = Annotated[tuple[ListRule, ...], BeforeValidator(_several)]


class MappingSpec(Strict):
    """All rules of a mapping.

    Attributes:
        username: the user's name in the pool.
        attributes: the pool's attributes by their API names (``email``, ``custom:tenant``).
        password_hash: the hash of the password.
        password: the password itself.
        groups: one rule or several, whose lists are joined.
        enabled: whether the user may sign in; everybody may if there is no rule, and whoever has no value
            and no ``default``. A dropped value gets the default, which must be there where a rule has
            ``when``, ``bad: drop`` or a verb that may leave nothing.
        mfa: ``off``, ``sms``, ``totp``, ``email`` or ``on``; booleans mean ``on`` and ``off``.
        identities: ``Provider/subject`` of each linked identity; one rule or several.
    """

    username: Rule
    attributes: dict[Piece, Rule] = Field(default_factory=dict)
    password_hash: HashRule | None = None
    password: Rule | None = None
    groups: ListRules = ()
    enabled: Rule | None = None
    mfa: Rule | None = None
    identities: ListRules = ()

    _data: object = PrivateAttr(default=None)
    _of_preset: frozenset[Path] = PrivateAttr(default=frozenset())

    @model_validator(mode="after")
    def _nobody_shares(self) -> Self:
        """No two people get the same name, hash or password."""
        for name in ("username", "password_hash", "password"):
            rule: Rule | None = getattr(self, name)
            for key in ("const", "default"):
                if rule is not None and getattr(rule, key) is not None:
                    raise refuse(
                        f"{name} must differ from user to user; `{key}` gives everybody the same.",
                        (name, key),
                    )
        return self

    @model_validator(mode="after")
    def _enabled_is_boolean(self) -> Self:
        if self.enabled and self.enabled.as_ and self.enabled.as_.name != "boolean":
            raise refuse("`enabled` is a boolean; leave `as` out or write `as: boolean`.", ("enabled", "as"))
        return self

    @model_validator(mode="after")
    def _enabled_by_nothing_unsaid(self) -> Self:
        """Whoever is locked out must not be let in since a rule says nothing of them."""
        if self.enabled and self.enabled.default is None and (key := _may_leave_nothing(self.enabled)):
            raise refuse(UNSAID, ("enabled", key))
        return self

    def located(self, data: object, of_preset: frozenset[Path]) -> Self:
        """Remember the document that the mapping was read from, and which rules a preset gave."""
        self._data, self._of_preset = data, of_preset
        return self

    def place(self, where: str, path: Path) -> str:
        """Name the file, line and key of a part, for the beginning of an error's text."""
        return place(where, self._data, path)

    def is_preset(self, path: Path) -> bool:
        """Whether the rule at ``path`` comes from a preset and not from the run's own file."""
        return path in self._of_preset


def parse_mapping(data: object, *, where: str) -> MappingSpec:
    """Read a mapping: a map of rules, a preset's name, or ``preset`` and rules that replace whole rules.

    A rule of null takes the preset's rule of that name away.

    Args:
        data: what YAML made of it; with ruamel.yaml's round-trip loader errors have line numbers.
        where: the name of the file for errors, e.g. ``run.yaml``.

    Raises:
        ConfigurationError: a key, verb, preset or value is not one of those that exist, or a part
            is missing; the text names every place and the known names.
    """
    if isinstance(data, MappingSpec):
        return data
    if isinstance(data, str):
        data = {"preset": data}
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            f"{where}: a mapping is a map of rules or the name of a preset.".lstrip(": ")
        )
    rules, of_preset = _with_preset(data, where)
    try:
        spec = MappingSpec.model_validate(rules)
    except ValidationError as error:
        raise mapping_error(where, data, all_problems(error)) from None
    return spec.located(data, of_preset)


def _with_preset(data: Mapping[Any, Any], where: str) -> tuple[dict[str, Any], frozenset[Path]]:
    own = {key: rule for key, rule in data.items() if key != "preset"}
    if "preset" not in data:
        return own, frozenset()
    base = dict(preset(data["preset"], where=place(where, data, ("preset",)).removesuffix(": ")))
    attributes = base.pop("attributes", {})
    theirs = own.pop("attributes", None) or {}
    if not isinstance(theirs, Mapping):
        return own | {"attributes": theirs}, frozenset()
    _refuse_vain_nulls(theirs, attributes, where, data)
    kept: set[Path] = {("attributes", name) for name in attributes if name not in theirs}
    kept |= {(name,) for name in base if name not in own}
    rules = {**base, **own, "attributes": {**attributes, **theirs}}
    return _without_nulls(rules), frozenset(kept)


def _refuse_vain_nulls(
    own: Mapping[Any, Any], preset_has: Mapping[str, Any], where: str, data: object
) -> None:
    """A name that is spelled wrong would leave the preset's rule in place, and nobody would be told."""
    problems: list[tuple[Path, str]] = [
        (("attributes", name), unknown_name("attribute of the preset", str(name), preset_has))
        for name, rule in own.items()
        if rule is None and name not in preset_has
    ]
    if problems:
        raise mapping_error(where, data, problems)


def _without_nulls(rules: dict[str, Any]) -> dict[str, Any]:
    """Leave out what null takes away; a key that no mapping has stays, for whoever checks the keys."""
    known = MappingSpec.model_fields
    left = {name: rule for name, rule in rules.items() if rule is not None or name not in known}
    left["attributes"] = {name: rule for name, rule in rules["attributes"].items() if rule is not None}
    return left
