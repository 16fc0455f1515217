"""However many at once, and whatever is given up on the way: numbers have no gap and no double."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select

from app import documents
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.invoices import Invoice
from models.vendors import Counter
from tests import make
from tests.webclient import settled

THREADS, EACH = 8, 6


class GivenUp(Exception):
    """Somebody's transaction fails after its document was issued."""


def test_numbers_have_no_gap_and_no_double(fresh_database: str, tmp_path: Path) -> None:
    vendors = [make.new_vendor(), make.new_vendor()]
    orders: dict[int, list[int]] = {}
    for vendor_id in vendors:
        with acting(vendor_actor(vendor_id)), begin() as session:
            orders[vendor_id] = [_paid(session) for _ in range(EACH * 2)]
    gate = threading.Barrier(THREADS)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        vendor_id = vendors[seed % 2]
        gate.wait()
        for order_id in chance.sample(orders[vendor_id], EACH):
            kind = chance.choice(["receipt", "invoice"])
            with acting(vendor_actor(vendor_id)):
                _issue(order_id, kind, given_up=chance.random() < 0.4)

    with settled(VAR=str(tmp_path)), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))

    kept = set()
    for vendor_id in vendors:
        with acting(vendor_actor(vendor_id)), begin() as session:
            issued = session.scalars(select(Invoice).order_by(Invoice.number)).all()
            counters = {c.series: c.value for c in session.scalars(select(Counter))}
        for kind, series in (("receipt", "receipts"), ("invoice", "invoices")):
            mine = [one for one in issued if one.kind == kind]
            assert mine, "the race issued nothing"
            assert [one.number for one in mine] == list(range(1, len(mine) + 1))
            assert counters[series] == len(mine)
            times = [one.issued_at for one in mine]
            assert times == sorted(times)
            assert len({one.order_id for one in mine}) == len(mine)
        kept |= {one.stored_as for one in issued}
    assert {file.name for file in (tmp_path / "files").iterdir()} == kept


def _paid(session: documents.Session) -> int:
    order = make.order(session, customer=make.customer(session))
    make.payment(session, order=order)
    return order.id


def _issue(order_id: int, kind: str, *, given_up: bool) -> None:
    try:
        with begin() as session:
            documents.issue(session, order_id=order_id, kind=kind)
            if given_up:
                raise GivenUp
    except GivenUp:
        pass
