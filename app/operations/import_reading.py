"""Typed rows on their way into the database, and which of them are the same within the file."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.staging import LISTED, SAID_COLUMNS, Staged

CONTACTLESS = "num_nonnulls(s.email, s.phone, s.phone_2) = 0"
HAS_ADDRESS = "num_nonnulls(s.line1, s.line2, s.city, s.region, s.postal_code, s.country) > 0"


def cursor_of(session: Session) -> Cursor[Any]:
    """The driver's cursor inside the session's transaction, for COPY."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    return connection.cursor()  # type: ignore[no-any-return]


def fresh_temp(session: Session, name: str, definition: str, **values: Any) -> None:
    """A temporary table that lives as long as the transaction, anew."""
    session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    session.execute(text(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {definition}"), values)


def stage(
    session: Session, *, job_id: int, rows: Sequence[Staged], first: int, match_by: Sequence[str]
) -> int:
    """Keep the rows as `first`, `first + 1`, ... of the job; how many there were.

    COPY is refused under row security, so it goes through a temporary table.
    """
    fresh_temp(session, "arriving", f"SELECT {LISTED} FROM staged_rows WHERE false")
    with cursor_of(session).copy(f"COPY arriving ({LISTED}) FROM STDIN") as copy:
        for position, row in enumerate(rows, first):
            copy.write_row((position, *row))
    session.execute(
        text(
            f"INSERT INTO staged_rows (job_id, {LISTED}, keys)"
            f" SELECT :job, {LISTED}, {_keys(match_by)} FROM arriving s ORDER BY position"
        ),
        {"job": job_id},
    )
    return len(rows)


def stage_said(
    session: Session, *, job_id: int, rows: Sequence[Staged], first: int, match_by: Sequence[str]
) -> int:
    """The same for rows that are no customers, as `staging.staged_said` makes them."""
    listed = ", ".join(SAID_COLUMNS)
    fresh_temp(session, "arriving", f"SELECT {listed} FROM staged_rows WHERE false")
    with cursor_of(session).copy(f"COPY arriving ({listed}) FROM STDIN") as copy:
        for position, row in enumerate(rows, first):
            copy.write_row((position, *row))
    session.execute(
        text(
            f"INSERT INTO staged_rows (job_id, {listed}, sort_name, search_text, keys)"
            f" SELECT :job, {listed}, '', '', '{{}}' FROM arriving ORDER BY position"
        ),
        {"job": job_id},
    )
    return len(rows)


def _keys(match_by: Sequence[str]) -> str:
    """What makes a row the same as another one: even hashes, odd where only name and birthday."""

    def hashed(prefix: str, value: str, bit: str = "& -2") -> str:
        return f"hashtextextended('{prefix}:' || {value}, 0) {bit}"

    keys = []
    if "email" in match_by:
        keys.append(hashed("e", "s.email"))
    if "phone" in match_by:
        keys += [hashed("p", "s.phone"), hashed("p", "s.phone_2")]
    if "name_birthday" in match_by:
        keys.append(hashed("b", "s.name_key || '|' || s.birthday::text", "| 1"))
    parts = ("s.name_key", "s.birthday::text", "lower(s.line1)", "s.postal_code", "s.city_key")
    whole = " || '|' || ".join(f"coalesce({part}, '')" for part in parts)
    keys.append(f"CASE WHEN {CONTACTLESS} THEN {hashed('n', whole)} END")
    listed = ", ".join(keys)
    return f"CASE WHEN valid THEN array_remove(ARRAY[{listed}]::bigint[], NULL) ELSE '{{}}' END"


_SHARED = text(
    "SELECT key, array_agg(position ORDER BY position) FROM"
    " (SELECT unnest(keys) AS key, position FROM staged_rows WHERE job_id = :job) AS said"
    " GROUP BY key HAVING count(*) > 1"
)


def find_twins(session: Session, *, job_id: int, rows: int) -> int:
    """Give every row that is the same as an earlier one its leader; how many there are.

    Rows are the same when they share a key, also through a third row: the order of the rows
    does not change who belongs together, only who comes first.
    """
    parents = array("q", range(rows + 1))
    surely = bytearray(rows + 1)
    groups = session.execute(_SHARED, {"job": job_id}, execution_options={"yield_per": 500})
    for key, positions in groups:
        for position in positions:
            if not key & 1:
                surely[position] = 1
            _unite(parents, positions[0], position)
    return _write_leaders(session, job_id, _followers(parents, surely))


def _root(parents: "array[int]", position: int) -> int:
    while parents[position] != position:
        parents[position] = parents[parents[position]]
        position = parents[position]
    return position


def _unite(parents: "array[int]", one: int, other: int) -> None:
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first


def _followers(parents: "array[int]", surely: bytearray) -> Iterator[tuple[int, int, str]]:
    for position in range(1, len(parents)):
        if parents[position] != position:
            link = "in_file" if surely[position] else "same_person"
            yield position, _root(parents, position), link


def _write_leaders(session: Session, job_id: int, followers: Iterator[tuple[int, int, str]]) -> int:
    fresh_temp(session, "followers", "SELECT position, leader, link FROM staged_rows WHERE false")
    found = 0
    with cursor_of(session).copy("COPY followers (position, leader, link) FROM STDIN") as copy:
        for follower in followers:
            copy.write_row(follower)
            found += 1
    session.execute(
        text(
            "UPDATE staged_rows s SET leader = f.leader, link = f.link FROM followers f"
            " WHERE s.job_id = :job AND s.position = f.position"
        ),
        {"job": job_id},
    )
    return found
