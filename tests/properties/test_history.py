"""Whatever was sold elsewhere: no line is lost or counted twice, and all of it can go again."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.operations import history
from app.settings import settings as house
from tests.operations.history_desk import Desk, line

LINES = st.lists(
    st.builds(
        lambda order, day, customer, item, quantity, cents: line(
            order=order, date=str(date(2024, 1, 1) + timedelta(days=day)), customer=customer,
            item=item, sku="", quantity=str(quantity), amount=f"{cents / 100:.2f}",
            kind="service" if item == "Cut" else "product",
        ),
        st.sampled_from(["", "1", "2", "3"]),
        st.integers(0, 3),
        st.sampled_from(["", "A", "B"]),
        st.sampled_from(["Soap", "Comb", "Cut"]),
        st.sampled_from([1, 1, 2, 3, -1, -2, 0]),
        st.sampled_from([0, 5, 999, 1000, 1001]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip
CHUNKS = st.integers(1, 9)

quick = settings(
    max_examples=6, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture
def var(db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    house.cache_clear()
    yield tmp_path
    house.cache_clear()


def imported(desk: Desk, lines: list[tuple[str, ...]], size: int, kill_after: int) -> int:
    """The job of these lines, imported in chunks of `size`, by a worker that is killed once."""
    job_id = desk.run(lines, commit=False)["job"]
    desk.do(history.begin_import, job_id=job_id)
    for _ in range(kill_after):
        if not desk.do(history.import_chunk, job_id=job_id, size=size):
            break
    desk.run(lines)
    return int(job_id)


@quick
@given(lines=LINES, size=CHUNKS, kill_after=st.integers(0, 9))
def test_all_sales_stand_once_however_it_is_cut_and_an_undo_leaves_nothing(
    var: Path, lines: list[tuple[str, ...]], size: int, kill_after: int
) -> None:
    whole, cut = Desk(var), Desk(var)
    empty = whole.everything()
    told = whole.run(lines)
    job_id = imported(cut, lines, size, kill_after)
    assert cut.everything() == whole.everything()
    assert cut.drift() == []
    sold = [Decimal(cells[10]) for cells in lines if int(cells[9]) > 0]
    assert (whole.revenue(), told["sales_lines"]) == (sum(sold), len(sold))
    back = Decimal(whole.one("SELECT coalesce(sum(amount), 0) FROM refunds"))
    came = sum(Decimal(cells[10]) for cells in lines if int(cells[9]) < 0)
    assert back + Decimal(told["not_returned"]) == came
    assert whole.one("SELECT count(*) FROM orders WHERE refunded > paid OR paid <> total") == 0
    assert whole.sql("SELECT number FROM orders ORDER BY placed_at, number") == [
        (n,) for n in range(1, told["orders"] + 1)
    ]
    job = cut.undone(job_id, size=size)
    assert (job.status, (job.result or {})["stays"]) == ("undone", {})
    assert cut.everything() == empty
    assert cut.drift() == []
