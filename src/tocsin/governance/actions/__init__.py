"""What can be asked about access: people, tokens, sessions, one-time links."""

from tocsin.governance.actions.links import (
    actor_of_link,
    give_sign_in,
    issue_acknowledge,
    issue_sign_in,
    use_acknowledge,
)
from tocsin.governance.actions.operating import change_log_level, note_backup, reset_log_level
from tocsin.governance.actions.people import change_role, disable, enable, invite, reset
from tocsin.governance.actions.refusals import note_refused
from tocsin.governance.actions.sessions import (
    WRONG,
    change_password,
    end_other_sessions,
    end_session,
    forget_expired,
    forgive_try,
    note_failed,
    note_seen,
    open_session,
    prove,
    set_password_by_link,
    sign_in,
    sign_out,
    try_link,
    try_sign_in,
)
from tocsin.governance.actions.tokens import (
    create_token,
    make_own_token,
    make_token,
    note_used,
    replace_own_token,
    revoke_own_token,
    revoke_token,
)
from tocsin.governance.core.token_text import digest

__all__ = [
    "WRONG",
    "actor_of_link",
    "change_log_level",
    "change_password",
    "change_role",
    "create_token",
    "digest",
    "disable",
    "enable",
    "end_other_sessions",
    "end_session",
    "forget_expired",
    "forgive_try",
    "give_sign_in",
    "invite",
    "issue_acknowledge",
    "issue_sign_in",
    "make_own_token",
    "make_token",
    "note_backup",
    "note_failed",
    "note_refused",
    "note_seen",
    "note_used",
    "open_session",
    "prove",
    "replace_own_token",
    "reset",
    "reset_log_level",
    "revoke_own_token",
    "revoke_token",
    "set_password_by_link",
    "sign_in",
    "sign_out",
    "try_link",
    "try_sign_in",
    "use_acknowledge",
]
