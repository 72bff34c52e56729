"""Reason codes of what is done for one user at a time: groups, identities, factors, changes of attributes."""

from __future__ import annotations

from typing import Final

from mappings.reasons_problems import Reason

LISTS: Final = (
    Reason(
        "groups_too_many",
        "The user is in more than 100 groups, the most that a pool allows.",
        "",
        "Map fewer roles to groups, or exchange several of them for one with `values`.",
    ),
    Reason(
        "identities_too_many",
        "The user has more than five identities of other providers, the most that can be linked.",
        "F7.14",
        "Let the mapping choose the ones that people still sign in with.",
    ),
    Reason(
        "identities_invalid",
        "An identity is not in the form `Provider/subject`.",
        "F7.14",
        'Make it with `each: "{provider}/{user_id}"`, or mend it in the source.',
    ),
    Reason(
        "identity_provider_unknown",
        "The pool has no identity provider of the name that an identity begins with.",
        "F7.14",
        "Add the provider to the pool first, or let the mapping write its name as the pool has it.",
    ),
)
"""Why the lists of a user do not fit the pool; nothing was sent."""

LEFT_OUT: Final = (
    Reason(
        "alias_taken",
        "Another user of the pool signs in with an e-mail address, phone number or name of this user.",
        "F5.8",
        "Decide who owns it; `admin_create_user.alias_clash: force` takes it away from the other user.",
    ),
    Reason(
        "identity_taken",
        "The identity of the other provider belongs to another user of the pool already.",
        "F7.14",
        "It may have signed in before: decide which of the two users goes, then link it by hand.",
    ),
    Reason(
        "group_not_found",
        "The pool has no group of that name.",
        "",
        "Nothing: it is made when the first user joins it.",
    ),
    Reason(
        "group_name_invalid",
        "The user is in a group whose name no group of a pool can have: it is longer than 128 characters, or"
        " has a space or control character in it.",
        "F7.19",
        "Write the name otherwise in the mapping of `groups`: `values: {Site Admins: site-admins}`, or"
        ' `then: [{replace: {" ": "-"}}]`.',
    ),
    Reason(
        "attribute_immutable",
        "An attribute differs, and the pool lets nobody change it after a user was created.",
        "F1.41",
        "Nothing in this pool: only a user who is created anew gets another value.",
    ),
    Reason(
        "contact_not_verified",
        "E-mail address or phone number differ, and the source does not say that the new one is verified.",
        "F1.28",
        "Map the verified flag: an unverified change would send a code, and take the verified one away.",
    ),
    Reason(
        "user_replaced",
        "An earlier run has landed a user of this name, and the one who has it today is another.",
        "F1.42",
        "Find out who it is: somebody deleted the user, and anybody may have taken the name since.",
    ),
    Reason(
        "groups_used_up",
        "The pool has 10,000 groups, the most that it can have.",
        "",
        "Map roles to fewer groups.",
    ),
    Reason(
        "password_reset_required",
        "The pool refuses it as long as the user has not set a new password.",
        "F7.1",
        "Nothing now: try again once the user has signed in.",
    ),
    Reason(
        "user_not_confirmed",
        "The pool refuses it as long as the user is not confirmed.",
        "F7.13",
        "Confirm the user, then do it again.",
    ),
    Reason(
        "totp_not_portable",
        "The user signs in with an authenticator app, whose secret no operation of the pool takes.",
        "F7.7",
        "Tell these users: they set the app up anew after their first sign-in.",
    ),
    Reason(
        "mfa_without_contact",
        "The user has a second factor, and nothing that a code could be sent to.",
        "F7.8",
        "Map the phone number or e-mail address, or tell these users to set a factor up anew.",
    ),
)
"""Why a call for a user who is in the pool was refused, or could not be made."""
