"""A list of opening stock goes into the ledger: received, counted anew, and taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import imports, shelf_truth, stock
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.imports import ImportStatus
from models.products import Variant
from tasks import imports as tasks
from tests import make
from tests.operations.import_desk import Desk

HEADER = "SKU,Quantity,Cost"


@pytest.fixture
def desk(db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    settings.cache_clear()
    yield Desk(tmp_path, subject="stock")
    settings.cache_clear()


def shelf(desk: Desk, sku: str, on_hand: int = 0, **fields: Any) -> int:
    """A variant whose stock is counted."""
    known = {"tracks_stock": True, "cost": None, "on_hand": 0} | fields
    with acting(vendor_actor(desk.vendor)), begin() as session:
        variant = make.variant(session, sku=sku, **known)
        if on_hand:
            stock.receive(session, variant_id=variant.id, quantity=on_hand)
        return variant.id


def there(desk: Desk) -> dict[str, int]:
    return dict(desk.sql("SELECT sku, on_hand FROM variants ORDER BY sku"))


def moves(desk: Desk) -> list[Any]:
    return desk.sql("SELECT kind, on_hand, reason FROM stock_moves ORDER BY id")


def no_drift(desk: Desk) -> bool:
    with acting(vendor_actor(desk.vendor)), begin() as session:
        return shelf_truth.drift(session) == []


def test_counted_goods_are_received_and_the_others_counted_anew(desk: Desk) -> None:
    shelf(desk, "NEW")
    shelf(desk, "OLD", on_hand=5)
    shelf(desk, "SAME", on_hand=2)
    dry = desk.run([HEADER, "NEW,4,1.50", "OLD,3,", "SAME,2,"], commit=False)
    assert there(desk) == {"NEW": 0, "OLD": 5, "SAME": 2}
    assert (desk.job().tried or {})["counted_anew"] == 1
    wet = desk.run([HEADER, "NEW,4,1.50", "OLD,3,", "SAME,2,"])
    expected = {"created": 1, "updated": 1, "unchanged": 1}
    assert desk.counts(dry) == desk.counts(wet) == expected
    assert there(desk) == {"NEW": 4, "OLD": 3, "SAME": 2}
    assert moves(desk)[2:] == [
        ("receipt", 4, "Opening stock"), ("adjustment", -2, "Opening stock"),
    ]  # fmt: skip
    assert desk.sql("SELECT cost::text FROM variants WHERE sku = 'NEW'") == [("1.50",)]
    again = desk.run([HEADER, "NEW,4,1.50", "OLD,3,", "SAME,2,"])
    assert desk.counts(again) == {"unchanged": 3}
    assert no_drift(desk)


def test_what_cannot_be_counted_is_said_row_by_row(desk: Desk) -> None:
    shelf(desk, "FREE", tracks_stock=False)
    shelf(desk, "A", barcode="4006381333931")
    owed = shelf(desk, "OWED", on_hand=3)
    with acting(vendor_actor(desk.vendor)), begin() as session:
        promise = {"kind": "reservation", "on_hand": 0, "reserved": 2}
        make.stock_move(session, variant=session.get_one(Variant, owed), **promise)
    report = desk.run([
        "SKU,Barcode,Name,Quantity", "FREE,,,4", "NOBODY,,,1", "OWED,,,1", "A,,,-1", "A,,,",
        ",,,3", "A,,,NaN", ",4006381333931,,6", "A,,,7",
    ])  # fmt: skip
    assert desk.counts(report) == {"invalid": 7, "created": 1, "skipped_duplicate": 1}
    told = [problem["message"] for problem in report["problems"]]
    assert "is not counted: switch that on" in told[0]
    assert told[1] == "No product has the SKU “NOBODY”: correct it, or import the product first."
    assert "2 of" in told[2]
    assert "are promised to orders" in told[2]
    assert "is below zero" in told[3]
    assert "How many there are is missing" in told[4]
    assert "Nothing in this row says what it is" in told[5]
    assert "How many there are is missing" in told[6]
    assert told[7] == "Line 9 says how many there are of it already."
    assert there(desk) == {"A": 6, "FREE": 0, "OWED": 3}


def test_an_undo_writes_the_opposite_and_keeps_what_is_gone(desk: Desk) -> None:
    kept, gone = shelf(desk, "KEPT", on_hand=1), shelf(desk, "GONE")
    shelf(desk, "LESS", on_hand=9)
    job_id = desk.committed([HEADER, "KEPT,6,2", "GONE,4,", "LESS,2,"])
    with acting(vendor_actor(desk.vendor)), begin() as session:
        stock.write_off(session, variant_id=gone, quantity=1, reason="Broken")
        stock.receive(session, variant_id=kept, quantity=2)
    desk.undone(job_id)
    assert there(desk) == {"GONE": 3, "KEPT": 3, "LESS": 9}
    assert desk.sql("SELECT cost FROM variants WHERE sku = 'KEPT'") == [(None,)]
    ends = [(row.code, row.undone) for row in desk.rows()]
    assert ends == [(None, True), ("kept_taken", False), (None, True)]
    assert [m for m in moves(desk) if m[2] == "Opening stock undone"] == [
        ("adjustment", -5, "Opening stock undone"), ("adjustment", 7, "Opening stock undone"),
    ]  # fmt: skip
    result = desk.job().result or {}
    assert (result["kept"], result["taken_back"]) == (1, 2)
    assert no_drift(desk)


def test_counting_may_leave_what_has_moved_and_stops_when_it_moves_meanwhile(desk: Desk) -> None:
    moved = shelf(desk, "OLD", on_hand=5)
    job_id = desk.committed([HEADER, "OLD,3,"], strategy="skip")
    assert there(desk) == {"OLD": 5}
    shelf(desk, "NEW")
    job_id = desk.tried([HEADER, "OLD,3,", "NEW,1,"])
    with acting(vendor_actor(desk.vendor)), begin() as session:
        stock.write_off(session, variant_id=moved, quantity=2, reason="Broken")
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    assert desk.job().status == ImportStatus.MAPPED
    assert there(desk) == {"NEW": 0, "OLD": 3}


def test_a_list_without_numbers_or_names_is_refused(desk: Desk) -> None:
    assert desk.run(["SKU,Colour", "A,red"])["refused"].startswith("No column says how many")
    assert desk.run(["Quantity,Colour", "4,red"])["refused"].startswith("No column says of what")
