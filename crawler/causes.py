"""What to say when a database refuses: one line with the cause and the way out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from crawler.disk import writable

__all__ = ["reason"]

_CAUSES = {
    "locked": "another process is writing to it; wait for it to end and run this again",
    "disk is full": "the disk is full; nothing of this step was kept; free some space and go on",
    "disk i/o error": "the disk refuses to write; check it and run this again",
    "readonly": "it is read-only; check the owner and mode of the file and its folder",
    "unable to open": "it cannot be opened; check that the folder exists and may be written",
    "not a database": "the file is not a database; move it away or set another one",
    "malformed": "the file is damaged; `folkgrade status --check` says where, and "
    "`folkgrade mend` saves what can be read",
    "could not decode": "a text in it is damaged; `folkgrade status --check` says where",
    # PostgreSQL, before anybody is let in: the driver knows no codes there
    "password authentication failed": "the server takes neither this user nor this password; "
    "see PGPASSWORD or ~/.pgpass, and the user's name in project.database",
    "no password supplied": "the server wants a password; put it in PGPASSWORD or ~/.pgpass",
    "no pg_hba.conf entry": "the server lets nobody in from here under this name; its pg_hba.conf "
    "says who may",
    "too many clients": "the server has no connection left; close some programs or raise its "
    "max_connections",
    "remaining connection slots": "the server has no connection left; close some programs or raise "
    "its max_connections",
    "starting up": "the server is just starting; wait a little and run this again",
    "shutting down": "the server is just stopping; run this again once it is back",
}
"""What to say, by what the database says."""

_STATES = {
    "25006": "it may only be read here; whoever may write to it runs this",
    "40001": "another process changed the same; run this again",
    "40P01": "another process changed the same; run this again",
    "53100": "the server's disk is full; nothing of this step was kept; free some space and go on",
    "53300": "the server has no connection left; close some programs or raise its max_connections",
    "55P03": "another process is writing to it; wait for it to end and run this again",
    "57P01": "the server was stopped; run this again once it is back",
    "57P02": "the server broke down; run this again once it is back",
    "57P03": "the server is just starting or stopping; wait a little and run this again",
}
"""What to say, by PostgreSQL's code of the error."""

_UNREACHED = ("connection refused", "could not translate host", "failed to resolve", "timeout",
              "timed out", "no such file", "no route to host", "network is unreachable",
              "is the server running")  # fmt: skip
_LOST = ("server closed the connection", "connection already closed", "terminating connection",
         "the connection is lost", "connection is closed", "consuming input failed")  # fmt: skip


def reason(address: sa.URL, error: DatabaseError) -> str:
    """One line: the database, what is the matter, and the way out; never a password."""
    said = str(error.orig)
    text = said.lower()
    cause = next((way for sign, way in _CAUSES.items() if sign in text), "")
    path = address.database
    if address.get_backend_name() == "postgresql":
        cause = _of_server(address, error, text) or cause
    elif "unable to open" in text and path and not writable(Path(path)):
        cause = _CAUSES["readonly"]
    name = path or address.render_as_string(hide_password=True)
    return f"database {name}: {cause or ' '.join(said.split())}"


def _of_server(address: sa.URL, error: DatabaseError, text: str) -> str:
    """What is the matter with a server; empty where it says so itself."""
    user = address.username or "the user"
    state = getattr(error.orig, "sqlstate", None) or ""
    missing = re.search(r'(database|role) "[^"]*" does not exist', text)
    if state in ("42501", "3F000"):
        what = " ".join(str(error.orig).splitlines()[:1])
        return f"{user} may not do this ({what}); its owner grants it, see docs/teams.md"
    if missing and missing[1] == "database":
        return "the server has no such database; make it (createdb), or set project.database"
    if missing:
        return f"the server knows no {user}; make that user, or set another in project.database"
    if any(sign in text for sign in _LOST):
        return "the connection to the server was lost; run this again"
    if not state and any(sign in text for sign in _UNREACHED):
        place = address.host or address.query.get("host") or os.environ.get("PGHOST") or "here"
        return f"no server answers at {place}; is it running, and are host and port right?"
    return _STATES.get(state, "")
