"""Poolferry's own way from a CSV to import files that are ready to be uploaded, without any network.

The seam: a ``Context`` takes the pool's schema as an argument, and the ledger's fact
``before_complete`` says that the pool was read already and nobody was in it. Everything else is what
``poolferry run`` does: the ledger, one Parquet file a page, one a batch, and all of it synced to the disk.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Final

from flows.ledger.folder import RunFolder
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import RunState
from flows.ledger.store import Ledger
from flows.settings import load_run_file
from flows.steps.context import Context, Worker
from flows.steps.extract import extract
from flows.steps.route import route
from flows.steps.running import begin
from flows.strategies.import_job import write_file
from tests.benchmarks.pool import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN_FILE: Final = """\
name: benchmark
source: {{kind: csv, path: "{source}"}}
mapping:
  username: {{from: id}}
  attributes:
    email:            {{from: email, then: [trim, lower]}}
    email_verified:   {{from: verified, as: boolean, default: false}}
    name:             {{template: "{{first_name}} {{last_name}}"}}
    given_name:       {{from: first_name}}
    family_name:      {{from: last_name}}
    phone_number:     {{from: phone, then: [{{e164: DE}}], bad: drop}}
    birthdate:        {{from: born, as: {{date: "%Y-%m-%d"}}}}
    custom:tenant:    {{const: acme}}
    custom:legacy_id: {{from: id}}
  password_hash:      {{from: pw}}
  groups:             {{from: roles, split: ";"}}
  enabled:            {{from: active, as: boolean, default: true}}
target: {{user_pool_id: eu-west-1_Benchmark, region: eu-west-1}}
strategies: [import_job, admin_create_user, migration_trigger]
"""
"""The mapping of the documentation."""


@contextmanager
def opened(source: Path, folder: Path) -> Iterator[Context]:
    """Begin a run in a folder as if the pool had been read and were empty."""
    run_file = folder / "run.yaml"
    run_file.write_text(RUN_FILE.format(source=source), encoding="utf-8")
    run_folder = RunFolder(folder / "run").make()
    worker = Worker()
    ledger = Ledger(open_sqlite(run_folder.ledger), run_folder.run_id, worker.clock)
    try:
        context = Context(load_run_file(run_file), run_folder, ledger, schema(), worker)
        begin(context)
        ledger.advance_run(RunState.READING, before_complete=True, before_users=0)
        yield context
    finally:
        ledger.close()


def write_files(context: Context) -> None:
    """Write the file of every batch that travels in one."""
    for batch in context.ledger.batches():
        if batch.strategy == "import_job":
            write_file(context, batch)


STAGES: Final[dict[str, Callable[[Context], None]]] = {
    "read, map, judge, write users": extract,
    "find duplicates, choose ways, cut batches": route,
    "write import files": write_files,
}


def migrate(source: Path, folder: Path) -> dict[str, float]:
    """Make all batches ready; tells the processor seconds of each stage, the start included."""
    seconds: dict[str, float] = {}
    with opened(source, folder) as context:
        seconds["start"] = before = process_time()
        for name, stage in STAGES.items():
            stage(context)
            seconds[name] = process_time() - before
            before = process_time()
    return seconds


if __name__ == "__main__":
    for stage_name, cpu in migrate(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()).items():
        sys.stdout.write(f"{cpu:6.2f} s  {stage_name}\n")
