"""Typed rows on their way into the database, and which of them are the same within the file."""

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from psycopg import Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.contact import fold
from models.customers import searchable
from models.imports import Problem, TypedRow

LONGEST_KEPT_CELL = 2000

COLUMNS = (
    "position", "line", "page", "valid", "code", "raw", "problems", "full_name", "company",
    "email", "phone", "phone_2", "line1", "line2", "city", "city_key", "region", "postal_code",
    "country", "birthday", "tags", "status", "marketing_email", "marketing_sms", "note",
    "name_key", "sort_name", "search_text",
)  # fmt: skip
LISTED = ", ".join(COLUMNS)

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
    session: Session, *, job_id: int, rows: Sequence[TypedRow], first: int, match_by: Sequence[str]
) -> int:
    """Keep the rows as `first`, `first + 1`, ... of the job; how many there were.

    COPY is refused under row security, so it goes through a temporary table.
    """
    fresh_temp(session, "arriving", f"SELECT {LISTED} FROM staged_rows WHERE false")  # noqa: S608
    with cursor_of(session).copy(f"COPY arriving ({LISTED}) FROM STDIN") as copy:
        for position, row in enumerate(rows, first):
            copy.write_row(_values(position, row))
    session.execute(
        text(
            f"INSERT INTO staged_rows (job_id, {LISTED}, keys)"  # noqa: S608
            f" SELECT :job, {LISTED}, {_keys(match_by)} FROM arriving s ORDER BY position"
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


def _values(position: int, row: TypedRow) -> tuple[Any, ...]:
    parts = " ".join(part for part in (row.first_name, row.last_name) if part)
    full_name = row.full_name or parts or None
    name = full_name or row.company
    sort_name, search_text = searchable(full_name, row.company, row.email, row.phone, row.phone_2)
    fatal = next((problem.code for problem in row.problems if problem.fatal), None)
    return (
        position, row.line, row.page, fatal is None, fatal,
        as_json([_kept(cell) for cell in row.raw]) if row.problems else None,
        as_json([told(problem) for problem in row.problems]) if row.problems else None,
        full_name, row.company, row.email, row.phone, row.phone_2, row.line1, row.line2, row.city,
        fold(row.city) if row.city else None, row.region, row.postal_code, row.country,
        row.birthday, _tags(row.tags), row.status, row.marketing_email, row.marketing_sms,
        row.note, fold(name)[:200] if name else None, sort_name, search_text,
    )  # fmt: skip


def _tags(tags: Iterable[str]) -> list[str] | None:
    return list(dict.fromkeys(t for tag in tags if (t := tag.strip().lower()))) or None


def _kept(cell: str) -> str:
    return cell[:LONGEST_KEPT_CELL].replace("\x00", "").encode("utf-8", "replace").decode()


def as_json(value: Any) -> str:
    """A value as JSON text, for COPY."""
    return json.dumps(value, ensure_ascii=False)


def told(problem: Problem) -> dict[str, Any]:
    """A problem as it is kept with its row and shown by the command line."""
    return {
        "line": problem.line,
        "page": problem.page,
        "column": _kept(problem.column) if problem.column else None,
        "field": problem.field,
        "code": problem.code,
        "value": _kept(problem.value),
        "message": _kept(problem.message),
        "fatal": problem.fatal,
    }


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
