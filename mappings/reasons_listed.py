"""The closed list of reason codes that stand for themselves, in the order in which a user meets them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from mappings.reasons_one_by_one import LEFT_OUT, LISTS
from mappings.reasons_problems import Reason, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

_READING = (
    Reason(
        "line_ragged",
        "The line has more or fewer fields than the header.",
        "",
        "Mend the line in the source; an unquoted delimiter or a line break in a value is the usual cause.",
    ),
    Reason(
        "line_undecodable",
        "The line is not text in the encoding of the source.",
        "",
        "Name the right encoding in the source's settings, or mend the line.",
    ),
    Reason(
        "line_malformed",
        "The line cannot be read as a record of the source's format.",
        "",
        "Mend the line in the source.",
    ),
    Reason(
        "line_key_twice",
        "A key stands twice in one object of the record, and only one of the values could be taken.",
        "",
        "Keep one of them in the source.",
    ),
)

_USERNAME = (
    Reason(
        "username_missing",
        "The user has no username.",
        "F1.27",
        "Map `username` from a field that is always filled.",
    ),
    Reason(
        "username_too_long",
        "The username is longer than 128 characters.",
        "F1.27",
        "Map `username` from a shorter field.",
    ),
    Reason(
        "username_white_space",
        "The username holds white space.",
        "F1.27",
        "Trim it in the mapping, or map `username` from another field.",
    ),
    Reason(
        "username_characters",
        "The username holds a character that is no letter, mark, symbol, number or punctuation.",
        "F1.27",
        "Map `username` from another field.",
    ),
    Reason(
        "username_email_shaped",
        "The username has the shape of an e-mail address, and the pool takes e-mail addresses as aliases.",
        "F1.45",
        "Map `username` from another field, such as the source's id; the address still signs in as an alias.",
    ),
    Reason(
        "username_phone_number_shaped",
        "The username has the shape of a phone number, and the pool takes phone numbers as aliases.",
        "F1.45",
        "Map `username` from another field, such as the source's id; the number still signs in as an alias.",
    ),
    Reason(
        "username_not_email",
        "Users of this pool sign in with an e-mail address, and the username is none.",
        "F1.46",
        "Map `username` from the e-mail address.",
    ),
    Reason(
        "username_not_phone_number",
        "Users of this pool sign in with a phone number, and the username is none.",
        "F1.46",
        "Map `username` from the phone number, with the verb `e164`.",
    ),
    Reason(
        "username_not_email_or_phone_number",
        "Users of this pool sign in with an e-mail address or a phone number, and the username is neither.",
        "F1.46",
        "Map `username` from the e-mail address or the phone number.",
    ),
    Reason(
        "email_differs_from_username",
        "The username is an e-mail address, and `email` is another one.",
        "F1.47",
        "Map both from one field, or set the rule option `username_differs` once a real pool took one.",
    ),
    Reason(
        "phone_number_differs_from_username",
        "The username is a phone number, and `phone_number` is another one.",
        "F1.47",
        "Map both from one field, or set the rule option `username_differs` once a real pool took one.",
    ),
)

_ATTRIBUTES = (
    Reason(
        "sub_unknown",
        "The pool makes every user's `sub` itself; it cannot be set.",
        "F1.42",
        "Keep the old id in a custom attribute, or rely on the map of old ids to new ones in the report.",
    ),
    Reason(
        "email_invalid",
        "The e-mail address is not in the form of one.",
        "F3.32",
        "Mend it in the source, or drop it with `bad: drop`.",
    ),
    Reason(
        "phone_number_invalid",
        "The phone number is not `+`, country code and digits, fifteen digits at most.",
        "F1.36",
        "Use the verb `e164` with the default country, or drop it with `bad: drop`.",
    ),
    Reason(
        "birthdate_invalid",
        "The birthdate is not the date of a real day.",
        "F1.37",
        "Name the source's date format in the mapping, or drop it with `bad: drop`.",
    ),
    Reason(
        "updated_at_invalid",
        "`updated_at` is not a time in whole seconds since 1970.",
        "F1.38",
        "Name the source's time format in the mapping, or leave the attribute out.",
    ),
    Reason(
        "email_verified_invalid",
        "`email_verified` is neither `true` nor `false`.",
        "F1.33",
        "Read the field with `as: boolean`, and give it a default.",
    ),
    Reason(
        "phone_number_verified_invalid",
        "`phone_number_verified` is neither `true` nor `false`.",
        "F1.33",
        "Read the field with `as: boolean`, and give it a default.",
    ),
    Reason(
        "email_verified_without_email",
        "`email_verified` is true, but there is no e-mail address.",
        "F1.28",
        "Map `email`, or let `email_verified` be true only where there is an address.",
    ),
    Reason(
        "phone_number_verified_without_phone_number",
        "`phone_number_verified` is true, but there is no phone number.",
        "F1.28",
        "Map `phone_number`, or let `phone_number_verified` be true only where there is a number.",
    ),
)

_SIGN_IN = (
    Reason(
        "mfa_invalid",
        "The second factor is none of `off`, `sms`, `totp`, `email` and `on`.",
        "F1.34",
        "Map the source's values in the mapping.",
    ),
    Reason(
        "mfa_not_in_pool",
        "The user has a second factor, and the pool has multi-factor authentication off.",
        "F1.34",
        "Turn it on in the pool, leave `mfa` out of the mapping, or set the rule option `mfa_against_pool`.",
    ),
    Reason(
        "mfa_required_by_pool",
        "The user has no second factor, and the pool requires one of everybody.",
        "F1.34",
        "Make it optional there, leave `mfa` out of the mapping, or set the rule option `mfa_against_pool`.",
    ),
    Reason(
        "password_white_space",
        "The password holds white space, which the pool takes in no password.",
        "F5.14",
        "Leave the password out; the user then sets a new one.",
    ),
    Reason(
        "password_too_long",
        "The password is longer than 256 characters.",
        "F5.14",
        "Leave the password out; the user then sets a new one.",
    ),
    Reason(
        "duplicate_username",
        "An earlier user of the source has the same username in the pool's eyes.",
        "F1.50",
        "Decide in the source which one goes; where the pool ignores letter case, so does this rule.",
    ),
)

_CSV = (
    Reason(
        "no_auto_verified_attribute",
        "The pool verifies no attribute by itself, and then import jobs do not start.",
        "F1.30",
        "Set the pool's auto-verified attributes, or let AdminCreateUser take the users.",
    ),
    Reason(
        "no_verified_contact",
        "None of the attributes that the pool verifies by itself is verified for this user.",
        "F1.29",
        "Let AdminCreateUser take the user; map a verified flag where the source knows it to be true.",
    ),
    Reason(
        "preferred_username_is_alias",
        "`preferred_username` signs in here, and what an import job makes of it is not documented.",
        "F1.49",
        "Let AdminCreateUser take the user, or set the rule option `preferred_username_alias`.",
    ),
    Reason(
        "row_too_long",
        "The user's row in the CSV would be longer than 16,000 characters.",
        "F1.22",
        "Let AdminCreateUser take the user, or shorten values in the mapping.",
    ),
    Reason(
        "hash_unknown_scheme",
        "The password hash is of no scheme that is known here.",
        "F2.9",
        "Name its scheme in the mapping (`password_hash.scheme`), leave the user to the migration trigger, "
        "or let the password be reset.",
    ),
    Reason(
        "hash_not_taken",
        "The password hash is of a scheme that no import job takes; `plan` names it.",
        "F2.4",
        "Leave the user to the migration trigger, or let the password be reset.",
    ),
    Reason(
        "hash_malformed",
        "The password hash is of a scheme that an import job takes, but not in that scheme's form.",
        "F2.5",
        "Look whether the source cuts it off, mend it, or leave the user to the migration trigger.",
    ),
    Reason(
        "hash_cost_too_high",
        "The password hash costs more to check than the pool allows.",
        "F2.6",
        "Leave the user to the migration trigger, or let the password be reset.",
    ),
    Reason(
        "hash_alphabet",
        "The PBKDF2 hash holds `+` or `.`, and which of the two a pool reads is not documented.",
        "F2.8",
        "Let `poolferry check --try-hashes` find out what the pool takes, then set `rules.pbkdf2_alphabet`.",
    ),
    Reason(
        "pool_takes_no_hashes",
        "The pool refuses import jobs with hashes of this algorithm; not every pool takes them yet.",
        "F2.2",
        "Leave the user to the migration trigger, let the password be reset, or wait until AWS has moved the "
        "pool: only the console shows it.",
    ),
    Reason(
        "password_random",
        "The run file wants a random password for users without a hash, and an import job sets none.",
        "F7.5",
        "Let AdminCreateUser take the user, or choose another way under `password_hash.without`.",
    ),
    Reason(
        "password_plain",
        "The user has a password in plain text, and a CSV has no column for it.",
        "F7.1",
        "Let AdminCreateUser set it, or leave the user to the migration trigger.",
    ),
)

_SENDING = (
    Reason(
        "no_strategy",
        "None of the run's strategies can take this user.",
        "",
        "Add a strategy to the run file; `explain` says what each one answered.",
    ),
    Reason(
        "hash_would_be_lost",
        "The user has a password hash, and AdminCreateUser cannot carry it.",
        "F2.4",
        "Add the strategy that keeps it, or let the mapping say that the password may be reset.",
    ),
    Reason(
        "disabled_user",
        "The user is disabled, and the migration trigger lets in whoever knows the password.",
        "F6.5",
        "Let an import job or AdminCreateUser take the user, and disable the user afterwards.",
    ),
    Reason(
        "no_password_to_keep",
        "The user has no password that the migration trigger could check.",
        "F6.1",
        "Let an import job or AdminCreateUser take the user.",
    ),
    Reason(
        "already_in_pool",
        "The user was in the pool before the run, and nothing of theirs was written.",
        "F6.16",
        "With `existing: leave`: set `existing: update` if the pool's user shall carry the source's "
        "attributes; with `existing: update` nothing differed, or `left_out.parquet` says why it was left.",
    ),
    Reason(
        "username_exists",
        "The pool answered that the username or an alias belongs to a user already.",
        "F5.10",
        "Compare the two users; if they are one person, run with `existing: update`.",
    ),
    Reason(
        "user_not_found",
        "The pool lost the user between two calls.",
        "",
        "See who else changes the pool, then retry.",
    ),
    Reason(
        "unsupported_user_state",
        "The user is in the pool in a state that does not allow the call.",
        "",
        "Look at the user in the pool; compare before anything is changed.",
    ),
    Reason(
        "invalid_parameter",
        "The pool found an attribute that breaks its rules.",
        "F1.41",
        "Compare the user's attributes with the pool's schema.",
    ),
    Reason(
        "invalid_password",
        "The password breaks the pool's policy.",
        "F5.14",
        "Leave the password out; the user then sets a new one.",
    ),
    Reason(
        "password_history",
        "The pool's policy forbids to use the password again.",
        "F5.14",
        "Leave the password out; the user then sets a new one.",
    ),
    Reason(
        "lambda_refused",
        "The pool's pre sign-up trigger refused the user.",
        "F5.16",
        "Let the trigger pass migrated users, or detach it for the run.",
    ),
    Reason(
        "pool_refused",
        "The import job's log says that the user failed.",
        "F3.27",
        "See the job's log; Poolferry found nothing wrong beforehand.",
    ),
    Reason(
        "not_settled",
        "Neither the job's log nor the pool says what became of the user.",
        "F3.22",
        "Run `reconcile` once the pool answers.",
    ),
    Reason(
        "not_in_pool",
        "The user was sent and reported as landed, but reading the pool back did not find the user.",
        "F5.15",
        "Run `reconcile`; if the user stays away, see who deletes users of the pool, then retry.",
    ),
    Reason(
        "job_failed",
        "The import job failed before it came to this user.",
        "F3.21",
        "Mend what the job's message names, then retry.",
    ),
    Reason(
        "job_stopped",
        "The import job was stopped before it came to this user.",
        "F3.16",
        "Retry; a stopped job cannot be started again.",
    ),
    Reason(
        "upload_failed",
        "The CSV with this user could not be handed to the pool.",
        "F3.10",
        "Retry; a new job gets a new upload address.",
    ),
)

REASONS: Mapping[str, Reason] = listed(
    chain(_READING, _USERNAME, _ATTRIBUTES, _SIGN_IN, LISTS, _CSV, _SENDING, LEFT_OUT)
)
"""Reason code → reason; specific codes here go before the general ones of ``PROBLEMS``."""
