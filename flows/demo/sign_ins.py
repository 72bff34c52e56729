"""The end of the demo: the trigger is deployed and attached, and people of every scheme sign in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connectors.cognito.trigger.package import build
from flows.demo.dirt import password
from flows.demo.people import people
from flows.steps import trigger as steps
from flows.steps.context import cognito_client
from flows.steps.sign_in_proof import Sample, SignInProof, proof_of_sign_ins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.demo.people import Person
    from flows.settings import LoadedRunFile
    from flows.steps.context import Worker

OF_EACH: Final = 3
"""People of every kind and scheme who are tried."""
LOCKED_OUT: Final = "inactive_with_hash"
_PREFIX: Final = 4


def sign_in_as_some(loaded: LoadedRunFile, worker: Worker) -> SignInProof:
    """Deploy and attach the demo's trigger, and sign in as a few people of every kind of hash."""
    pool_id = loaded.settings.target.user_pool_id
    cognito_client(loaded).create_user_pool_client(
        UserPoolId=pool_id, ClientName="demo", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )
    with tempfile.TemporaryDirectory(prefix="poolferry-") as scratch:
        package = build(Path(scratch) / "trigger.zip", here=True)
        steps.deploy(steps.trigger_of(loaded), worker, package)
    steps.attach(steps.trigger_of(loaded))
    return proof_of_sign_ins(loaded, loaded.state_folder, sample(people()), None, worker.progress)


def sample(everybody: Iterable[Person]) -> list[Sample]:
    """The first few people of every kind and scheme of hash."""
    found: dict[tuple[str, str], list[Sample]] = {}
    for person in everybody:
        cells, kind = person.cells, person.kind.name if person.kind else ""
        if cells["pw"] and kind != LOCKED_OUT:
            some = found.setdefault((kind, cells["pw"][:_PREFIX]), [])
            if len(some) < OF_EACH:
                some.append(Sample(cells["id"], password(cells)))
    return [each for some in found.values() for each in some]
