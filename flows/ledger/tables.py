"""The three small tables of a run; users are never in them, only in Parquet beside them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Integer, MetaData, String, Table, Text

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("run_file_sha256", String(64), nullable=False),
    Column("source_fingerprint", Text, nullable=False),
    Column("pool_id", String(128), nullable=False),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("owner", String(64)),
    Column("lease_until", Float),
    Column("facts", JSON, nullable=False),
)

PAGES = Table(
    "pages",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first_ordinal", BigInteger, nullable=False),
    Column("users", Integer, nullable=False),
    Column("cursor", JSON, nullable=False),
    Column("done", Float),
)

BATCHES = Table(
    "batches",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("strategy", String(32), nullable=False),
    Column("algorithm", String(16)),
    Column("users", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", String(64)),
    Column("lease_until", Float),
    Column("job_id", String(64)),
    Column("facts", JSON, nullable=False),
)
