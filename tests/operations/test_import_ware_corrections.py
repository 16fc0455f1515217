"""Problem rows of products and stock are typed again: tried anew beside the others, or imported."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from app import lists
from app.columns import ProductField, StockField, Subject
from app.database import begin
from app.operations import import_steps, import_ware_corrections, imports, shelf_truth
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.imports import ImportRow, Outcome
from tasks import imports as tasks
from tests.chance import examples
from tests.operations.import_desk import Desk
from tests.operations.test_import_stock import shelf, there

P, S = ProductField, StockField
HEADER = "SKU,Name,Size,Price,Barcode,Stock"


@pytest.fixture
def var(db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def desk(var: Path) -> Desk:
    return Desk(var, subject="products")


def corrected(desk: Desk, line: int, **cells: str) -> ImportRow:
    """The row of that line, typed again in these fields."""
    job = desk.job()
    [row] = [row for row in desk.rows() if row.line == line]
    words = P if job.subject == Subject.PRODUCTS else S
    typed = {words(name): cell for name, cell in cells.items()}
    with acting(vendor_actor(desk.vendor)):
        read = lists.staged_again(job, row, typed)
    done: ImportRow = desk.do(import_ware_corrections.correct, row_id=row.id, read=read)
    return done


def imported(desk: Desk) -> None:
    job_id = desk.job().id
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    assert desk.job().status == "completed"


def ends(desk: Desk) -> list[str]:
    return [row.outcome for row in desk.rows()]


def variants(desk: Desk) -> list[Any]:
    return desk.sql(
        "SELECT p.name, v.option, v.sku, v.price, v.on_hand FROM variants v"
        " JOIN products p ON p.id = v.product_id WHERE v.is_active ORDER BY v.sku"
    )


def no_drift(desk: Desk) -> bool:
    with acting(vendor_actor(desk.vendor)), begin() as session:
        return shelf_truth.drift(session) == []


def message(row: ImportRow) -> str:
    return " ".join(problem["message"] for problem in row.problems or ())


def test_what_was_typed_is_tried_at_once_and_imported_with_the_others(desk: Desk) -> None:
    desk.tried([HEADER, 'A,Oil,,"1.012,50",,3', "B,Soap,,-1,,", ",,,,,4"])
    assert ends(desk) == ["created", "invalid", "invalid"]
    still = corrected(desk, 3, price="NaN", name="Fine soap")
    assert (still.outcome, still.code) == ("invalid", "no_price")
    assert "The price is missing" in message(still)
    assert still.raw == ["B", "Fine soap", "", "NaN", "", ""]  # what was typed stays there
    assert [p["field"] for p in still.problems or ()] == ["price"]
    row = corrected(desk, 3, price="2,50", on_hand="7")
    assert (row.outcome, row.problems, row.raw) == ("created", None, None)
    assert corrected(desk, 4, name="Wax", price="1").outcome == "created"
    assert (desk.job().tried or {})["created"] == 3
    assert variants(desk) == []
    imported(desk)
    assert variants(desk) == [
        ("Oil", None, "A", Decimal("1012.50"), 3), ("Fine soap", None, "B", Decimal("2.50"), 7),
        ("Wax", None, "WAX", Decimal("1.00"), 4),
    ]  # fmt: skip
    assert no_drift(desk)


def test_other_rows_end_otherwise_when_the_first_of_them_is_corrected(desk: Desk) -> None:
    desk.tried([
        HEADER, "A,Oil,S,,,", "A,Oil,M,4,,", "B,Fat,,3,111,", "C,Wax,,3,111,", "D,Pin,,2,,",
    ])  # fmt: skip
    assert ends(desk) == ["invalid", "skipped_duplicate", "created", "invalid", "created"]
    assert corrected(desk, 2, sku="E", price="5").outcome == "created"
    assert ends(desk) == ["created", "created", "created", "invalid", "created"]
    assert corrected(desk, 5, barcode="", sku="D").outcome == "created"
    told = {row.line: (row.outcome, message(row)) for row in desk.rows()}
    assert told[6] == (
        "skipped_duplicate", "Line 5 has the same SKU already: this row is left out.",
    )  # fmt: skip
    imported(desk)
    assert [row[:3] for row in variants(desk)] == [
        ("Oil", "M", "A"), ("Fat", None, "B"), ("Wax", None, "D"), ("Oil", "S", "E"),
    ]  # fmt: skip


def test_a_corrected_first_row_speaks_for_all_of_its_product(desk: Desk) -> None:
    desk.tried([
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price",
        "tee,,Size,S,T-S,9", "tee,,,M,T-M,", "cap,Cap,,,CAP,3",
    ])  # fmt: skip
    assert ends(desk) == ["invalid", "invalid", "created"]
    assert corrected(desk, 2, name="Tee").outcome == "created"
    assert ends(desk) == ["created", "created", "created"]
    imported(desk)
    assert variants(desk) == [
        ("Cap", None, "CAP", 3, 0), ("Tee", "M", "T-M", 9, 0), ("Tee", "S", "T-S", 9, 0),
    ]  # fmt: skip
    assert desk.sql("SELECT count(*) FROM products") == [(2,)]


def test_after_the_import_a_correction_is_written_and_undone_with_it(desk: Desk) -> None:
    before = variants(desk)
    job_id = desk.committed([
        HEADER, "A,Oil,S,4,,2", "B,Oil,M,-1,,", "C,Fat,,x,,1", "D,Wax,,-2,,", "E,Pin,,y,,",
    ])  # fmt: skip
    assert corrected(desk, 3, price="5", on_hand="6").outcome == "created"
    assert corrected(desk, 4, price="3").outcome == "created"
    twin = corrected(desk, 5, sku="A", price="9")
    assert (twin.outcome, message(twin)) == (
        "skipped_duplicate", "Line 2 speaks of it already: this row is left out.",
    )  # fmt: skip
    assert corrected(desk, 6, sku="", name="", price="1").outcome == "invalid"
    assert (desk.job().result or {})["created"] == 3
    assert variants(desk) == [
        ("Oil", "S", "A", 4, 2), ("Oil", "M", "B", 5, 6), ("Fat", None, "C", 3, 1),
    ]  # fmt: skip
    assert desk.sql("SELECT count(*) FROM products") == [(2,)]
    assert desk.sql("SELECT count(*) FROM staged_rows") == [(0,)]
    assert no_drift(desk)
    desk.undone(job_id)
    assert variants(desk) == before
    assert (desk.job().result or {})["kept"] == 0
    assert desk.sql("SELECT DISTINCT status FROM products") == [("archived",)]
    assert no_drift(desk)


def test_a_known_variant_is_changed_by_a_correction_and_changed_back(desk: Desk) -> None:
    desk.run([HEADER, "A,Oil,,4,,"])
    job_id = desk.committed([HEADER, "X,Wax,,1,,", "A,Oil,,7,777,x"], strategy="overwrite")
    assert corrected(desk, 3, on_hand="").outcome == "updated"
    assert desk.sql("SELECT price::text, barcode FROM variants WHERE sku = 'A'") == [
        ("7.00", "777")
    ]
    desk.undone(job_id)
    assert variants(desk) == [("Oil", None, "A", 4, 0)]


def test_only_open_problem_rows_are_corrected(desk: Desk) -> None:
    lines = [HEADER, "A,Oil,,4,,", "A,Oil,,4,,", "B,Fat,,,,"]
    desk.tried(lines)
    with pytest.raises(import_steps.NothingToDecide):
        corrected(desk, 3, sku="C")
    desk.sql("DELETE FROM staged_rows")
    with pytest.raises(imports.ReadAgain):
        corrected(desk, 4, price="1")
    desk.do(imports.begin_import, job_id=desk.tried(lines))
    with pytest.raises(imports.NotNow):
        corrected(desk, 4, price="1")


def test_a_count_is_corrected_before_and_after_it_is_taken(var: Path) -> None:
    desk = Desk(var, subject="stock")
    for sku in ("A", "B", "C"):
        shelf(desk, sku)
    shelf(desk, "OLD", on_hand=5)
    job_id = desk.tried(["SKU,Quantity", "X,4", "B,3", "NO,2", "OLD,-1", "C,1"])
    assert ends(desk) == ["invalid", "created", "invalid", "invalid", "created"]
    wrong = corrected(desk, 2, sku="Y")
    assert (wrong.outcome, [p["field"] for p in wrong.problems or ()]) == ("invalid", ["sku"])
    assert corrected(desk, 2, sku="B").outcome == "created"
    told = {row.line: (row.outcome, message(row)) for row in desk.rows()}
    assert told[3] == ("skipped_duplicate", "Line 2 says how many there are of it already.")
    imported(desk)
    assert there(desk) == {"A": 0, "B": 4, "C": 1, "OLD": 5}
    assert corrected(desk, 4, sku="A").outcome == "created"
    assert corrected(desk, 5, sku="C", quantity="9").outcome == "skipped_duplicate"
    assert there(desk) == {"A": 2, "B": 4, "C": 1, "OLD": 5}
    desk.undone(job_id)
    assert there(desk) == {"A": 0, "B": 0, "C": 0, "OLD": 5}
    assert no_drift(desk)


def test_after_a_week_a_row_is_still_read_as_the_list_was(desk: Desk) -> None:
    desk.committed([HEADER, 'A,Oil,,"2,50",,', 'B,Fat,,"3,50 x 2",,'])
    desk.sql("UPDATE import_jobs SET stored_as = ''")
    assert corrected(desk, 3, price="3,75").outcome == "created"
    assert [row[3] for row in variants(desk)] == [Decimal("2.50"), Decimal("3.75")]


CELLS = (
    st.sampled_from(["", "A", "B", "C"]),
    st.sampled_from(["", "Oil", "Soap"]),
    st.sampled_from(["", "S", "M"]),
    st.sampled_from(["", "1", "-1", "2.50"]),
    st.sampled_from(["", "", "111", "222"]),
    st.sampled_from(["", "0", "4", "-2"]),
)
A_ROW = st.tuples(*CELLS).filter(any)  # a file has no empty row
COLUMNS = (P.SKU, P.NAME, P.OPTION_1, P.PRICE, P.BARCODE, P.ON_HAND)


@examples(6)
@given(rows=st.lists(A_ROW, min_size=2, max_size=6), data=st.data())
def test_a_corrected_list_ends_as_if_it_had_been_so_from_the_beginning(
    var: Path, rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    desk, fresh = Desk(var, subject="products"), Desk(var, subject="products")
    lines = [list(row) for row in rows]
    desk.tried([HEADER, *map(",".join, lines)])
    for _ in range(2):
        wrong = [row for row in desk.rows() if row.outcome == Outcome.INVALID]
        if not wrong:
            break
        row = data.draw(st.sampled_from(wrong))
        typed = data.draw(A_ROW)
        corrected(desk, row.line, **dict(zip(map(str, COLUMNS), typed, strict=True)))
        lines[row.position - 1] = list(typed)
    assert len(desk.rows()) == len(rows)
    fresh.tried([HEADER, *map(",".join, lines)])
    same = [(r.line, r.outcome, r.code, message(r)) for r in fresh.rows()]
    assert [(r.line, r.outcome, r.code, message(r)) for r in desk.rows()] == same
    imported(desk)  # which refuses to do otherwise than was said
    assert no_drift(desk)
