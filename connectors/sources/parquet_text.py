"""Parquet columns as text: dates and times in ISO 8601, lists and structs as compact JSON, bytes as UTF-8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import ComputeError

from connectors.errors import SourceError
from connectors.sources.fields import not_there
from connectors.sources.paths import splits, take_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from polars._typing import PolarsDataType

    Schema = Mapping[str, pl.DataType]

UNDECODABLE = "@undecodable"
"""Boolean column: whether bytes among the row's asked values are no UTF-8."""

_WHOLE = 2**53
"""Up to here a float holds every whole number."""


@dataclass(frozen=True, slots=True)
class _Value:
    """What stands at a path."""

    expression: pl.Expr
    kind: pl.DataType


def paths_of(schema: Schema) -> list[str]:
    """List the paths of a schema: structs by dots, of a list itself and its first element."""
    return [path for name, kind in schema.items() for path in _paths(name, kind)]


def columns_as_text(schema: Schema, fields: Sequence[str], file: str) -> list[pl.Expr]:
    """Give one String expression a field, under its name, and ``UNDECODABLE``.

    Raises:
        SourceError: a field does not exist, or holds bytes inside a list or struct.
    """
    values = {field: _find(schema, field, file) for field in fields}
    bytes_ = [value.expression for value in values.values() if value.kind == pl.Binary]
    broken = [each.is_not_null() & _decoded(each).is_null() for each in bytes_]
    flag = pl.any_horizontal(pl.lit(value=False), *broken)
    return [
        *(_text(value, field, file).alias(field) for field, value in values.items()),
        flag.alias(UNDECODABLE),
    ]


def _paths(path: str, kind: pl.DataType) -> Iterator[str]:
    if isinstance(kind, pl.Struct):
        for inner in kind.fields:
            yield from _paths(f"{path}.{inner.name}", _instance(inner.dtype))
        return
    yield path
    if isinstance(kind, pl.List | pl.Array):
        yield from _paths(f"{path}[0]", _instance(kind.inner))


def _find(schema: Schema, path: str, file: str) -> _Value:
    for name, rest in splits(path):
        if name in schema:
            column = _Value(pl.nth(list(schema).index(name)), schema[name])  # a name may look like a pattern
            if found := _inside(column, rest):
                return found
    raise not_there("field", path, paths_of(schema), file)


def _inside(value: _Value, path: str) -> _Value | None:
    if not path:
        return value
    if isinstance(value.kind, pl.Struct):
        return _in_struct(value.expression, value.kind, path)
    if isinstance(value.kind, pl.List | pl.Array) and (index := take_index(path)):
        items = value.expression.list if isinstance(value.kind, pl.List) else value.expression.arr
        item = items.get(index[0], null_on_oob=True)
        return _inside(_Value(item, _instance(value.kind.inner)), index[1])
    return None


def _in_struct(struct: pl.Expr, kind: pl.Struct, path: str) -> _Value | None:
    inner = {field.name: _instance(field.dtype) for field in kind.fields}
    for name, rest in splits(path):
        if name in inner and (found := _inside(_Value(struct.struct.field(name), inner[name]), rest)):
            return found
    return None


def _text(value: _Value, field: str, file: str) -> pl.Expr:
    kind, column = value.kind, value.expression
    if kind.is_nested():
        return _json(value, field, file)
    if isinstance(kind, pl.Datetime):
        return column.dt.to_string("iso:strict")
    if isinstance(kind, pl.Duration):
        return column.dt.to_string("iso")
    if kind.is_float():
        return _number(column)
    return _decoded(column) if kind == pl.Binary else column.cast(pl.String)


def _number(column: pl.Expr) -> pl.Expr:
    """A whole number has no ``.0``: a column of whole numbers with gaps is often stored as floats."""
    whole = (column == column.floor()) & (column.abs() <= _WHOLE)
    integer = column.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(whole).then(integer).otherwise(column.cast(pl.String))


def _decoded(column: pl.Expr) -> pl.Expr:
    """Read bytes as UTF-8, null where they are not."""
    return column.map_batches(_as_utf8, return_dtype=pl.String)


def _as_utf8(column: pl.Series) -> pl.Series:
    try:
        return column.cast(pl.String)
    except ComputeError:
        return pl.Series(column.name, [_utf8(value) for value in column], dtype=pl.String)


def _utf8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _json(value: _Value, field: str, file: str) -> pl.Expr:
    if _has_bytes(value.kind):
        raise SourceError(f"{file}: the field {field!r} holds bytes in a list or struct.", "Leave it out.")
    wrapped = pl.struct(value.expression.alias("v")).struct.json_encode()
    text = wrapped.str.strip_prefix('{"v":').str.strip_suffix("}")
    return pl.when(value.expression.is_not_null()).then(text)


def _has_bytes(kind: pl.DataType) -> bool:
    if isinstance(kind, pl.Struct):
        return any(_has_bytes(_instance(inner.dtype)) for inner in kind.fields)
    return _has_bytes(_instance(kind.inner)) if isinstance(kind, pl.List | pl.Array) else kind == pl.Binary


def _instance(kind: PolarsDataType) -> pl.DataType:
    return kind() if isinstance(kind, type) else kind
