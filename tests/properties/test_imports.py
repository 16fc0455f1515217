"""Whatever stands in a list and whoever is known: no row is lost, doubled, or left behind."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.operations import import_steps, imports
from app.settings import settings as house
from app.tenancy import acting, vendor_actor
from models.imports import ImportStatus
from tasks import imports as tasks
from tests.chance import examples
from tests.operations.import_desk import BUCKETS, Desk

HEADER = ("Name", "Email", "Phone", "Street", "City", "Birthday", "Tags", "Newsletter")
NAMES = st.sampled_from(["", "Anna Sousa", "anna sousa", "Ben Dias", "Şükrü Öztürk"])
EMAILS = st.sampled_from(["", "", "a@example.com", "A@Example.com", "b@example.com", "broken@"])
PHONES = st.sampled_from(["", "", "+351912345678", "912 345 679", "12"])
BIRTHDAYS = st.sampled_from(["", "1990-02-03", "1985-07-09", "2999-01-01"])
STREETS, CITIES = st.sampled_from(["", "Rua Um 1"]), st.sampled_from(["", "Porto", "Faro"])
TAGS, YES = st.sampled_from(["", "vip", "vip, new"]), st.sampled_from(["", "yes", "no"])
ROWS = st.lists(
    st.tuples(NAMES, EMAILS, PHONES, STREETS, CITIES, BIRTHDAYS, TAGS, YES).filter(any),
    min_size=1, max_size=9,
)  # fmt: skip
KNOWN = st.lists(
    st.fixed_dictionaries(
        {"full_name": st.sampled_from(["Anna Sousa", "Ben Dias", "Somebody Else"])},
        optional={
            "email": st.sampled_from(["a@example.com", "b@example.com"]),
            "phone": st.sampled_from(["+351912345678", "+351912345679"]),
            "birthday": st.sampled_from([date(1990, 2, 3), date(1985, 7, 9)]),
            "city": st.sampled_from(["Porto", "Beja"]),
            "agreed": st.booleans(),
        },
    ),
    max_size=3,
)
STRATEGIES = st.sampled_from(["fill", "overwrite", "skip"])

quick = examples(5)


@pytest.fixture
def var(db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    house.cache_clear()
    yield tmp_path
    house.cache_clear()


def a_desk(folder: Path, known: list[dict[str, Any]]) -> Desk:
    """A vendor of its own who knows these customers."""
    desk = Desk(folder)
    for fields in known:
        plain = {k: v for k, v in fields.items() if k not in ("city", "agreed")}
        customer = desk.add(**plain)
        if "city" in fields:
            desk.sql(
                "INSERT INTO addresses (customer_id, city, city_key) VALUES (:c, :city, :key)",
                c=customer, city=fields["city"], key=fields["city"].lower(),
            )  # fmt: skip
        if "agreed" in fields:
            desk.sql(
                "INSERT INTO consents (customer_id, channel, purpose, granted, source)"
                " VALUES (:c, 'email', 'marketing', :granted, 'link')",
                c=customer, granted=fields["agreed"],
            )  # fmt: skip
    return desk


def written(rows: list[tuple[str, ...]]) -> str:
    """The rows as a file."""
    file = io.StringIO()
    csv.writer(file).writerows([HEADER, *rows])
    return file.getvalue()


def everybody(desk: Desk) -> list[Any]:
    """All customers with all that is theirs, in an order that does not depend on ids."""
    found = desk.sql(
        """
        SELECT full_name, email, phone, phone_2, birthday, status, channel, sort_name, search_text,
          (SELECT array_agg(concat_ws('|', line1, city, city_key, country) ORDER BY line1, city)
           FROM addresses a WHERE a.customer_id = c.id),
          (SELECT array_agg(t.name ORDER BY t.name) FROM customer_tags w
           JOIN tags t ON t.id = w.tag_id WHERE w.customer_id = c.id),
          coalesce((SELECT granted FROM consents k WHERE k.customer_id = c.id
            AND channel = 'email' ORDER BY id DESC LIMIT 1), false)
        FROM customers c
        """
    )
    return sorted(found, key=repr)


@quick
@given(rows=ROWS, known=KNOWN)
def test_every_row_ends_once_as_it_was_tried_out_and_twice_makes_nobody(
    var: Path, rows: list[tuple[str, ...]], known: list[dict[str, Any]]
) -> None:
    desk = a_desk(var, known)
    before = everybody(desk)
    dry = desk.run(written(rows), commit=False)
    assert everybody(desk) == before
    wet = desk.run(written(rows))
    assert {name: dry[name] for name in BUCKETS} == {name: wet[name] for name in BUCKETS}
    assert sum(wet[name] for name in BUCKETS) == wet["rows"] == len(rows)
    assert len(everybody(desk)) == len(before) + wet["created"]
    trail = desk.sql(
        "SELECT count(*) FROM audit_entries WHERE table_name = 'customers' AND action = 'create'"
    )
    assert trail == [(len(before) + wet["created"],)]
    again = desk.run(written(rows))
    assert again["created"] == 0
    assert sum(again[name] for name in BUCKETS) == len(rows)


@quick
@given(rows=ROWS, known=KNOWN, strategy=STRATEGIES, size=st.integers(1, 4))
def test_undoing_brings_back_what_was(
    var: Path, rows: list[tuple[str, ...]], known: list[dict[str, Any]], strategy: str, size: int
) -> None:
    desk = a_desk(var, known)
    before, tags = everybody(desk), desk.sql("SELECT name FROM tags")
    job_id = desk.committed(written(rows), strategy=strategy)
    desk.do(imports.begin_undo, job_id=job_id)
    while desk.do(imports.undo_chunk, job_id=job_id, size=size):
        pass
    assert everybody(desk) == before
    assert desk.sql("SELECT name FROM tags") == tags
    assert (desk.job().result or {})["kept"] == 0


@quick
@given(
    rows=ROWS, known=KNOWN, strategy=STRATEGIES, size=st.integers(1, 4), killed=st.integers(1, 9)
)
def test_a_killed_import_ends_as_an_unbroken_one(
    var: Path,
    rows: list[tuple[str, ...]],
    known: list[dict[str, Any]],
    strategy: str,
    size: int,
    killed: int,
) -> None:
    whole, broken = a_desk(var, known), a_desk(var, known)
    whole.committed(written(rows), strategy=strategy)
    job_id = broken.tried(written(rows), strategy=strategy)
    broken.do(imports.begin_import, job_id=job_id)
    for _ in range(killed):
        if not broken.do(import_steps.commit_chunk, job_id=job_id, size=size):
            break
    with acting(vendor_actor(broken.vendor)):
        tasks.commit_now(job_id)
        tasks.commit_now(job_id)  # a second delivery
    assert broken.job().status == ImportStatus.COMPLETED
    assert everybody(broken) == everybody(whole)
    assert (broken.job().result or {})["settled"] == len(rows)
    ends = "SELECT position, outcome, code FROM import_rows ORDER BY position"
    assert broken.sql(ends) == whole.sql(ends)
