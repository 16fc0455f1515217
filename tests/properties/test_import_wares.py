"""Whatever stands in a list of products or stock: an undo leaves all as before, twice is once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.database import begin
from app.operations import import_subjects, imports, shelf_truth
from app.settings import settings as house
from app.tenancy import acting, vendor_actor
from tests import make
from tests.operations.import_desk import BUCKETS, Desk

HEADER = "SKU,Name,Size,Price,Cost,Barcode,Stock,Status"
CODES = st.sampled_from(["", "A", "B", "C", "D"])
ROWS = st.lists(
    st.tuples(
        CODES,
        st.sampled_from(["", "Oil", "Soap", "Wax"]),
        st.sampled_from(["", "", "S", "M"]),
        st.sampled_from(["", "1", "2.50", "-1", "NaN", "€ 3"]),
        st.sampled_from(["", "0.5", "12345678901"]),
        st.sampled_from(["", "", "111", "222"]),
        st.sampled_from(["", "0", "4", "-2"]),
        st.sampled_from(["", "draft", "archived"]),
    ),
    min_size=1,
    max_size=5,
)
COUNTS = st.lists(
    st.tuples(CODES, st.sampled_from(["", "0", "1", "5", "-1", "x"]), st.sampled_from(["", "2"])),
    min_size=1,
    max_size=5,
)
KNOWN = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["Oil", "Soap"]), st.integers(0, 3)),
    max_size=3,
    unique_by=lambda known: known[0],
)
STRATEGIES = st.sampled_from(["fill", "overwrite", "skip"])
quick = settings(
    max_examples=6, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture
def var(db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    house.cache_clear()
    yield tmp_path
    house.cache_clear()


def a_desk(folder: Path, known: list[tuple[str, str, int]], subject: str) -> Desk:
    desk = Desk(folder, subject=subject)
    with acting(vendor_actor(desk.vendor)), begin() as session:
        for sku, name, pieces in known:
            product = make.product(session, name=name, variants=0)
            variant = make.variant(session, product=product, sku=sku, tracks_stock=True, on_hand=0)
            if pieces:
                make.stock_move(session, variant=variant, on_hand=pieces)
    return desk


def catalogue(desk: Desk) -> list[Any]:
    """What is to be had, and how much of it."""
    return desk.sql(
        "SELECT p.id, p.name, p.status, p.options, v.option, v.sku, v.barcode, v.price, v.cost,"
        " v.tracks_stock, v.on_hand, v.is_active FROM products p"
        " JOIN variants v ON v.product_id = p.id"
        " WHERE p.status <> 'archived' OR v.sku NOT LIKE '%(undone%' ORDER BY v.id"
    )


def written(header: str, rows: list[tuple[str, ...]]) -> list[str]:
    return [header, *(",".join(row) for row in rows)]


def taken_back(desk: Desk, job_id: int, size: int) -> None:
    desk.do(imports.begin_undo, job_id=job_id)
    while desk.do(import_subjects.undo_chunk, job_id=job_id, size=size):
        pass


def no_drift(desk: Desk) -> bool:
    with acting(vendor_actor(desk.vendor)), begin() as session:
        return shelf_truth.drift(session) == []


@quick
@given(rows=ROWS, known=KNOWN, strategy=STRATEGIES, size=st.integers(1, 4))
def test_an_undone_list_of_products_leaves_all_as_before(
    var: Path,
    rows: list[tuple[str, ...]],
    known: list[tuple[str, str, int]],
    strategy: str,
    size: int,
) -> None:
    desk = a_desk(var, known, "products")
    before = catalogue(desk)
    lines = written(HEADER, rows)
    job_id = desk.committed(lines, strategy=strategy)
    result = desk.job().result or {}
    assert sum(result[name] for name in BUCKETS) == len(desk.rows())
    after = catalogue(desk)
    assert len(after) == len(before) + result["created"]
    again = desk.committed(lines, strategy=strategy)
    assert catalogue(desk) == after
    told = desk.job().result or {}
    assert (told["created"], told["updated"]) == (0, 0)
    taken_back(desk, again, size)
    taken_back(desk, job_id, size)
    assert catalogue(desk) == before
    assert no_drift(desk)


@quick
@given(rows=COUNTS, known=KNOWN, strategy=STRATEGIES, size=st.integers(1, 4))
def test_an_undone_list_of_stock_leaves_as_many_as_before(
    var: Path,
    rows: list[tuple[str, ...]],
    known: list[tuple[str, str, int]],
    strategy: str,
    size: int,
) -> None:
    desk = a_desk(var, known, "stock")
    before, lines = catalogue(desk), written("SKU,Quantity,Cost", rows)
    dry = desk.run(lines, commit=False)
    job_id = desk.committed(lines, strategy=strategy)
    after = catalogue(desk)
    if strategy == "fill":
        result = desk.job().result or {}
        assert {name: dry[name] for name in BUCKETS} == {name: result[name] for name in BUCKETS}
    desk.committed(lines, strategy=strategy)
    assert catalogue(desk) == after
    taken_back(desk, job_id, size)
    assert catalogue(desk) == before
    assert no_drift(desk)
