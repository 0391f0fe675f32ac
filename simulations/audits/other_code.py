"""Whether an audit was made with other code than a run, or than what is here now."""

from collections.abc import Mapping
from typing import Any

from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.user_code import USER_CODE, changed_file, user_code

PACKAGE, ATTACKS = "code_identity", "audit_code"  # of what is attacked, and of the attacks
OTHER_VERSION = "other_version"  # of a finding that is read: another version of fog-flower made it


def code_here(config: RunConfig) -> dict[str, Any]:
    """Return the identities of all code that decides the findings of an audit.

    Call it before the user's code is imported, which may be edited while an audit is made.
    """
    return {
        PACKAGE: code_identity(),
        ATTACKS: attacks_here(),
        USER_CODE: user_code(config.changed({"trackers": ""})),  # trackers decide nothing
    }


def attacks_here() -> str:
    """Return the identity of the code of all attacks."""
    return code_identity(("simulations.audits",))


def changed_own(audit: Mapping[str, Any], code: Mapping[str, Any]) -> str:
    """Return a file of the user's that has changed since an audit; empty if there is none.

    An audit that was recorded without the user's code counts as one with other code.

    Parameters
    ----------
    audit : mapping
        The record of one audit.
    code : mapping
        From ``code_here``, or the record of a run.
    """
    own = code.get(USER_CODE) or {}
    return changed_file(audit.get(USER_CODE, dict.fromkeys(own, "unknown")), own)


def is_other_version(audit: Mapping[str, Any], code: Mapping[str, Any]) -> bool:
    """Check whether an audit was made with another version of fog-flower.

    The parameters are those of ``changed_own``. Identities that one of both lacks are not compared.
    """
    both = [key for key in (PACKAGE, ATTACKS) if key in audit and key in code]
    return any(audit[key] != code[key] for key in both)
