"""Which second factor of the source can be switched on in the pool, and whose cannot be carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import MFA
from flows.steps.columns import STEP, STRATEGY, WHY
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

FACTOR: Final = "@factor"
"""String: ``sms`` or ``email``, which can be switched on for a user; ``totp`` or ``none``, which cannot."""

NOBODYS_CONTACT: Final = "none"
"""The user has a factor and nothing that a code could be sent to."""

_WHY: Final = {"totp": "totp_not_portable", NOBODYS_CONTACT: "mfa_without_contact"}


def factor_columns(context: Context) -> list[str]:
    """The columns of a page that ``factor_of`` reads."""
    return [MFA, *(name for name in ("phone_number", "email") if name in context.attributes)]


def factor_of(context: Context) -> pl.Expr:
    """``FACTOR`` of a user, null where there is none; reads ``factor_columns`` and ``STRATEGY``.

    A seed of TOTP can be given to no operation (F7.7). ``on`` does not say which factor it is: SMS where
    there is a phone number, which an import job carries in a column of its own (F1.34), else e-mail.
    """
    by_sms, by_email = (
        pl.when(_present(context, name)).then(pl.lit(factor))
        for name, factor in (("phone_number", "sms"), ("email", "email"))
    )
    factor, nothing = pl.col(MFA), pl.lit(NOBODYS_CONTACT)
    is_carried = (pl.col(STRATEGY) == "import_job") & _present(context, "phone_number")
    is_switched = pl.col(STRATEGY).is_in(["import_job", "admin_create_user"]) & ~is_carried
    return (
        pl.when(factor == "totp")
        .then(pl.lit("totp"))
        .when(factor == "sms")
        .then(pl.coalesce(by_sms, nothing))
        .when(factor == "email")
        .then(pl.coalesce(by_email, nothing))
        .when((factor == "on") & is_switched)
        .then(pl.coalesce(by_sms, by_email, nothing))
        .alias(FACTOR)
    )


def _present(context: Context, name: str) -> pl.Expr:
    return pl.col(name).is_not_null() if name in context.attributes else pl.lit(value=False)


def not_portable(landed: pl.DataFrame) -> pl.DataFrame:
    """``ORDINAL``, step and reason of every user whose second factor stays behind.

    Args:
        landed: ``ORDINAL`` and ``FACTOR`` of users whom the run has put into the pool.
    """
    lost = landed.filter(pl.col(FACTOR).is_in(list(_WHY)))
    why = pl.col(FACTOR).replace_strict(_WHY, return_dtype=pl.String)
    return lost.select(ORDINAL, pl.lit("mfa").alias(STEP), why.alias(WHY))
