"""Invitations: a token for one session each."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from .errors import InvitationError
from .keys import hash_of_token, new_token
from .schema import invitations


def create_invitations(connection: Connection, study_id: str, count: int, now: float) -> list[str]:
    """That many new tokens; only their hashes are kept, so they are shown this once."""
    made = [new_token() for _ in range(count)]
    rows = [{"token_hash": hash_of_token(token), "study_id": study_id, "created_at": now} for token in made]
    if rows:
        connection.execute(insert(invitations), rows)
    return made


def is_invited(connection: Connection, study_id: str, token: str) -> bool:
    """Whether the token was made for the study, used or not: its session may come back."""
    query = select(invitations.c.token_hash)
    query = query.where(invitations.c.study_id == study_id, invitations.c.token_hash == hash_of_token(token))
    return connection.execute(query).first() is not None


def use_invitation(connection: Connection, study_id: str, token: str, session_id: str) -> None:
    """Bind the token to a new session.

    Raises:
        InvitationError: unknown, or bound to another one.
    """
    mine = [invitations.c.study_id == study_id, invitations.c.token_hash == hash_of_token(token)]
    taken = update(invitations).where(*mine, invitations.c.session_id.is_(None)).values(session_id=session_id)
    if not connection.execute(taken).rowcount:
        raise InvitationError("this invitation is not valid or was used; ask whoever sent it for a new one")


def count_invitations(connection: Connection, study_id: str) -> tuple[int, int]:
    """(made, used)."""
    query = select(func.count(), func.count(invitations.c.session_id)).where(invitations.c.study_id == study_id)
    made, used = connection.execute(query).one()
    return made, used
