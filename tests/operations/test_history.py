"""Past sales become completed orders of the past, give back what came back, and go again."""

import gzip
import lzma
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import history, orders, segments, usages
from app.operations.history_writing import next_order
from app.operations.lines import DraftLine
from app.past_sales import SaleField
from app.settings import settings as house
from app.tenancy import acting, vendor_actor
from models.imports import ImportJob
from models.orders import LineKind
from tasks import history as tasks
from tasks.history_file import fields_of
from tests import make
from tests.operations.history_desk import Desk, line, written


@pytest.fixture
def desk(
    db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_noon: datetime
) -> Iterator[Desk]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    house.cache_clear()
    yield Desk(tmp_path)
    house.cache_clear()


SALES = [
    line(order="7", customer="C2", name="Ana", amount="20", quantity="2"),
    line(order="7", customer="C2", item="Cut", sku="", category="Styling", kind="service",
         amount="35.50"),
    line(order="3", date="2023-12-31 23:30", customer="", channel="online"),
    line(order="9", date="2024-04-01", email="C1@Example.com"),
    line(order="12", date="2024-05-02 08:00", customer="C2", quantity="-1", amount="-8"),
]  # fmt: skip


def test_lines_become_numbered_orders_of_the_past_with_everything_around_them(desk: Desk) -> None:
    told = desk.run(SALES)
    assert told["status"] == "completed"
    assert desk.sql(
        "SELECT number, reference, status, channel, total, paid, refunded, pieces,"
        " placed_at = fulfilled_at AND placed_at = completed_at FROM orders ORDER BY number"
    ) == [
        (1, "3", "completed", "online", 10, 10, 0, 0, True),
        (2, "7", "completed", "import", Decimal("55.50"), Decimal("55.50"), 8, 0, True),
        (3, "9", "completed", "import", 10, 10, 0, 0, True),
    ]
    assert desk.sql(
        "SELECT l.position, l.kind, l.name, l.quantity, l.unit_price, l.total, l.refunded"
        " FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE number = 2 ORDER BY 1"
    ) == [
        (1, "product", "Shampoo", 2, 10, 20, 8),
        (2, "service", "Cut", 1, Decimal("35.50"), Decimal("35.50"), 0),
    ]
    assert desk.sql("SELECT tender, status, amount FROM payments ORDER BY id") == [
        ("elsewhere", "captured", 10),
        ("elsewhere", "captured", Decimal("55.50")),
        ("elsewhere", "captured", 10),
    ]
    assert desk.sql("SELECT tender, status, amount, created_at FROM refunds") == [
        ("elsewhere", "succeeded", 8, datetime(2024, 5, 2, 7, tzinfo=UTC))
    ]
    assert desk.drift() == []


def test_times_are_those_of_the_vendors_wall(desk: Desk) -> None:
    dates = ("2024-07-01 10:00", "2024-01-01 10:00", "2024-02-03", "2024-02-04T10:00:00Z")
    desk.run([line(order=str(n), date=date) for n, date in enumerate(dates, 1)])
    assert desk.sql("SELECT reference, placed_at FROM orders ORDER BY reference") == [
        ("1", datetime(2024, 7, 1, 9, tzinfo=UTC)),
        ("2", datetime(2024, 1, 1, 10, tzinfo=UTC)),
        ("3", datetime(2024, 2, 3, tzinfo=UTC)),
        ("4", datetime(2024, 2, 4, 10, tzinfo=UTC)),
    ]


def test_customers_items_and_categories_are_made_quietly(desk: Desk) -> None:
    desk.run(SALES)
    assert desk.sql(
        "SELECT reference, full_name, email, channel, order_count, services_spent, products_spent,"
        " total_spent, created_at, last_activity_at FROM customers ORDER BY reference"
    ) == [
        ("C1", "Customer C1", "c1@example.com", "import", 1, 0, 10, 10,
         datetime(2024, 3, 31, 23, tzinfo=UTC), datetime(2024, 3, 31, 23, tzinfo=UTC)),
        ("C2", "Ana", None, "import", 1, Decimal("35.50"), 12, Decimal("47.50"),
         datetime(2024, 3, 5, 10, tzinfo=UTC), datetime(2024, 3, 5, 10, tzinfo=UTC)),
    ]  # fmt: skip
    assert desk.everything()["variants"] == [("Shampoo", "archived", "SH1", 10, False, 0)]
    assert desk.everything()["services"] == [("Cut", "appointment", Decimal("35.50"), False)]
    assert desk.categories() == [("product", "Hair"), ("service", "Styling")]
    assert desk.sql("SELECT c.name FROM products p JOIN categories c ON c.id = p.category_id") == [
        ("Hair",)
    ]
    assert desk.one("SELECT count(*) FROM outbox_messages") == 0
    assert desk.one("SELECT count(*) FROM stock_moves") == 0
    assert desk.one("SELECT search_text LIKE '%c1@example.com%' FROM customers"
                    " WHERE reference = 'C1'")  # fmt: skip


def test_the_trail_tells_of_the_import_and_not_of_its_lines(desk: Desk) -> None:
    told = desk.run(SALES)
    quiet = "SELECT count(*) FROM audit_entries WHERE table_name IN" \
        " ('orders', 'order_lines', 'payments', 'refunds')"  # fmt: skip
    assert desk.one(quiet) == 0
    assert desk.one(
        "SELECT count(*) FROM audit_entries WHERE table_name = 'import_jobs'"
        " AND new ->> 'status' = 'completed'"
    ) == 1  # fmt: skip
    desk.sql("UPDATE orders SET note = 'seen' WHERE number = 1")
    assert desk.one(quiet) == 1  # what people do to them is told
    desk.sql("UPDATE orders SET note = NULL WHERE number = 1")
    desk.undone(told["job"])
    assert desk.one(quiet) == 2


def test_payments_and_refunds_go_only_with_an_import_that_is_taken_back(desk: Desk) -> None:
    told = desk.run(SALES)
    for table, there in (("refunds", 1), ("payments", 3)):
        desk.sql(f"DELETE FROM {table}")
        assert desk.one(f"SELECT count(*) FROM {table}") == there
    desk.undone(told["job"])
    assert desk.one("SELECT count(*) FROM payments") == 0


def test_what_is_known_is_found_and_not_made_again(desk: Desk) -> None:
    with acting(vendor_actor(desk.vendor)), tasks.begin() as session:
        variant = make.variant(session, sku="SH1")
        barcode = make.variant(session, sku="other", barcode="5601234")
        service = make.service(session, name="CUT")
        mail = make.customer(session, email="c1@example.com").id
        phone = make.customer(session, phone="+351912345678").id
        known = (variant.id, barcode.id, service.id)
    desk.run(
        written(
            [
                ("C1", "c1@example.com", "", "2024-01-01", "Shampoo", "SH1", "", "10"),
                ("C1", "c1@example.com", "", "2024-01-01", "Soap", "5601234", "", "10"),
                ("", "", "912 345 678", "2024-01-02", "Cut", "", "service", "10"),
            ],
            ("Client", "Email", "Phone", "Date", "Product", "Code", "Kind", "Total"),
        )
    )
    assert desk.sql("SELECT variant_id, service_id FROM order_lines ORDER BY id") == [
        (known[0], None), (known[1], None), (None, known[2]),
    ]  # fmt: skip
    assert desk.sql("SELECT customer_id FROM orders ORDER BY id") == [(mail,), (phone,)]
    assert desk.sql("SELECT reference FROM customers ORDER BY id") == [("C1",), (None,)]
    words = "SELECT search_text LIKE '% c1 %' FROM customers WHERE id = :c"
    assert desk.one(words, c=mail)
    told = desk.run([line(customer="C1", date="2024-06-01")])
    assert (told["new_customers"], told["new_items"]) == (0, 0)
    assert desk.one("SELECT count(*) FROM orders WHERE customer_id = :c", c=mail) == 2


def test_two_numbers_are_two_customers_even_with_one_address(desk: Desk) -> None:
    told = desk.run(
        [
            line(order="1", customer="A", email="we@example.com"),
            line(order="2", customer="B", email="we@example.com"),
            line(order="3", customer="", email="we@example.com"),
        ]
    )
    assert told["new_customers"] == 2
    assert desk.sql(
        "SELECT c.reference, count(*) FROM orders o JOIN customers c ON c.id = o.customer_id"
        " GROUP BY 1 ORDER BY 1"
    ) == [("A", 2), ("B", 1)]


@pytest.mark.parametrize("number", ["5", ""], ids=["by number", "by moment"])
def test_lines_belong_together_by_number_else_by_customer_and_moment(
    desk: Desk, number: str
) -> None:
    desk.run(
        [
            line(order=number), line(order=number),
            line(order=number, customer="C2"),
            line(order=number, customer=""), line(order=number, customer=""),
            line(order=number and "6", date="2024-03-06"),
        ]
    )  # fmt: skip
    assert desk.sql(
        "SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id GROUP BY o.id"
        " ORDER BY o.id"
    ) == [(2,), (1,), (2,), (1,)]


def test_a_return_takes_the_named_sale_first_then_the_latest_and_never_more(desk: Desk) -> None:
    told = desk.run(
        [
            line(order="1", date="2024-01-01", amount="10"),
            line(order="2", date="2024-01-02", amount="7"),
            line(order="3", date="2024-01-03", amount="5"),
            line(order="4", date="2024-02-01", amount="50"),
            line(order="1", date="2024-01-04", quantity="-1", amount="4"),
            line(order="R", date="2024-01-05", quantity="-2", amount="11"),
            line(order="R", date="2024-01-06", quantity="-9", amount="90"),
            line(order="R", date="2023-01-01", quantity="-1", amount="1"),
            line(order="R", date="2024-01-06", quantity="-1", customer="C9"),
            line(order="R", date="2024-01-06", quantity="-1", customer=""),
        ]
    )
    assert desk.sql("SELECT reference, refunded FROM orders ORDER BY reference") == [
        ("1", 10), ("2", 7), ("3", 5), ("4", 0),
    ]  # fmt: skip
    assert (told["returns"], told["returned"]) == (3, "22.00")
    assert told["problems"]["no_sale_found"] == {"lines": 4, "first": [8, 9, 10, 11]}
    assert told["not_returned"] == "104.00"
    assert desk.sql(
        "SELECT line, outcome FROM import_rows WHERE code = 'no_sale_found' ORDER BY line"
    ) == [(8, "created"), (9, "invalid"), (10, "invalid"), (11, "invalid")]
    assert desk.drift() == []


def test_a_return_finds_the_sale_of_an_earlier_file(desk: Desk) -> None:
    first = desk.run([line(amount="10")])
    second = desk.run([line(order="8", date="2024-06-01", quantity="-1", amount="6")])
    assert (second["orders"], second["returned"]) == (0, "6.00")
    assert desk.one("SELECT refunded FROM orders") == 6
    kept = desk.undone(first["job"])
    assert kept.result is not None
    assert kept.result["stays"]["orders"] == 1
    assert desk.drift() == []
    desk.undone(second["job"])
    assert desk.one("SELECT refunded FROM orders") == 0
    assert desk.drift() == []


def test_each_wrong_line_is_left_out_with_its_reason(desk: Desk) -> None:
    wrong = {
        "date_in_future": line(date="2026-11-21"),
        "date_unreadable": line(date="soon"),
        "date_missing": line(date=""),
        "date_too_early": line(date="1066-10-14"),
        "quantity_zero": line(quantity="0"),
        "quantity_unreadable": line(quantity="1.5"),
        "quantity_too_large": line(quantity="99999999999"),
        "negative_price": line(amount="-3"),
        "amount_missing": line(amount="NaN"),
        "amount_unreadable": line(amount="1e5"),
        "amount_too_large": line(amount="999999999999"),
        "kind_unknown": line(kind="thing"),
        "too_long": line(item="x" * 301),
        "nul": line(item="a\0b"),
    }
    told = desk.run([*wrong.values(), line(channel="fax", email="nobody")])
    assert set(told["problems"]) == {*wrong, "channel_unknown", "email_unreadable"}
    assert {code: told["problems"][code]["first"] for code in wrong} == {
        code: [number] for number, code in enumerate(wrong, 2)
    }
    assert (told["refused_lines"], told["orders"], desk.revenue()) == (len(wrong), 1, 10)
    assert desk.one("SELECT count(*) FROM import_rows WHERE outcome = 'invalid'") == len(wrong)


def test_rounding_leaves_what_the_line_comes_to(desk: Desk) -> None:
    rows = [("2024-01-01", "3", "", "10.00"), ("2024-01-02", "1000", "0.001", ""),
            ("2024-01-03", "2", "6.00", "11.00"), ("2024-01-04", "1", "0.001", ""),
            ("2024-01-05", "2", "0", "")]  # fmt: skip
    desk.run(written(rows, ("Date", "Quantity", "Unit price", "Amount")))
    assert desk.sql(
        "SELECT quantity, unit_price, discount, total FROM order_lines ORDER BY id"
    ) == [
        (3, Decimal("3.34"), Decimal("0.02"), 10),
        (1000, Decimal("0.01"), 9, 1),
        (2, 6, 1, 11),
        (1, Decimal("0.01"), Decimal("0.01"), 0),
        (2, 0, 0, 0),
    ]
    assert desk.one("SELECT count(*) FROM payments") == 3
    assert desk.sql("SELECT name, sku LIKE 'PAST-%' FROM variants v JOIN products p"
                    " ON p.id = v.product_id") == [("Past sale", True)]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "days", "total"),
    [
        ([("01/02/2024", "1.234,50"), ("25/02/2024", "2,00")], ["2024-02-01", "2024-02-25"],
         "1236.50"),
        ([("01/02/2024", "1,234.50"), ("02/25/2024", "2.00")], ["2024-01-02", "2024-02-25"],
         "1236.50"),
        ([("20240201", "€ 3"), ("2024-02-25 1:30 PM", "(2)")], ["2024-02-01"], "3.00"),
    ],
    ids=["day first", "month first", "year first"],
)  # fmt: skip
def test_a_column_is_read_as_all_of_it_is_written(
    desk: Desk, rows: list[tuple[str, str]], days: list[str], total: str
) -> None:
    told = desk.run(written(rows, ("Date", "Amount")))
    assert [
        str(day) for (day,) in desk.sql("SELECT placed_at::date FROM orders ORDER BY 1")
    ] == days
    assert told["revenue"] == total


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress], ids=["xz", "gz"])
def test_packed_files_are_read_and_damaged_ones_refused(desk: Desk, pack: Any) -> None:
    packed: bytes = pack(written(SALES).encode())
    assert desk.run(packed[: len(packed) // 2])["refused"].startswith("This compressed file is dam")
    assert desk.run(packed)["orders"] == 3
    assert desk.one("SELECT count(*) FROM orders") == 3


def test_a_try_out_makes_nothing_and_says_what_the_import_will(desk: Desk) -> None:
    before = desk.everything()
    tried = desk.run([*SALES, SALES[0]], commit=False)
    assert desk.everything() == before
    assert {k: tried[k] for k in ("lines", "orders", "customers", "items", "categories")} == {
        "lines": 6, "orders": 3, "customers": 2, "items": 2, "categories": 2,
    }  # fmt: skip
    assert (tried["revenue"], tried["duplicate_lines"], tried["anonymous_orders"]) == (
        "95.50", 1, 1,
    )  # fmt: skip
    done = desk.run([*SALES, SALES[0]])
    figures = {k: v for k, v in tried.items() if k != "status"}
    assert {k: done[k] for k in figures} == figures
    assert desk.revenue() == Decimal("95.50")


def test_the_same_file_is_taken_once_unless_it_was_taken_back(desk: Desk) -> None:
    first = desk.run(SALES)
    for commit in (True, False):
        assert desk.run(SALES, commit=commit)["refused"].startswith("This very file was imported")
    desk.undone(first["job"])
    assert desk.run(SALES)["orders"] == 3


def test_an_undo_leaves_all_as_it_was_and_the_numbers_go_on(desk: Desk) -> None:
    with acting(vendor_actor(desk.vendor)), tasks.begin() as session:
        mail = make.customer(session, email="c1@example.com").id
    sell(desk, mail)
    before = desk.everything()
    told = desk.run(SALES)
    job = desk.undone(told["job"])
    assert job.result is not None
    assert (job.status, job.result["taken_back"], job.result["stays"]) == ("undone", 3, {})
    assert desk.everything() == before
    assert desk.categories() == []
    assert desk.drift() == []
    assert sell(desk, mail) == 2


def sell(desk: Desk, customer_id: int) -> int:
    """An order of today; its number."""
    tip = DraftLine(kind=LineKind.TIP, name="Tip", unit_price=Decimal(3))
    order = desk.do(orders.save_draft, customer_id=customer_id, lines=[tip])
    return int(desk.do(orders.place, order_id=order.id).number)


def test_a_number_elsewhere_is_searched_as_long_as_it_is_known(desk: Desk) -> None:
    with acting(vendor_actor(desk.vendor)), begin() as session:
        known = make.customer(session, full_name="Ana", email="c1@example.com").id
    told = desk.run([line(customer="K-7", email="c1@example.com"), line(customer="0017-850")])
    found = "SELECT search_text FROM customers ORDER BY id"
    assert desk.sql(found) == [
        ("ana c1 example com c1@example.com k 7",), ("customer 0017 850 17850",),
    ]  # fmt: skip
    assert desk.do(usages.freshen) == 2  # what is worked out of sales keeps nobody
    desk.undone(told["job"])
    assert desk.sql(found) == [("ana c1 example com c1@example.com",)]
    assert desk.one("SELECT reference FROM customers WHERE id = :c", c=known) is None


def test_an_undo_spares_what_somebody_has_used_since_and_says_so(desk: Desk) -> None:
    told = desk.run(SALES)
    [[customer]] = desk.sql("SELECT id FROM customers WHERE reference = 'C1'")
    desk.sql("UPDATE orders SET note = 'mine', updated_at = now() + interval '1 s'"
             " WHERE reference = '3'")  # fmt: skip
    assert sell(desk, customer) == 4
    job = desk.undone(told["job"])
    assert job.result is not None
    assert job.result["stays"] == {"orders": 1, "customers": 1, "products": 1, "categories": 1}
    assert desk.sql("SELECT number, reference FROM orders ORDER BY 1") == [(1, "3"), (4, None)]
    assert desk.drift() == []


def test_a_segment_somebody_came_into_keeps_nobody(desk: Desk) -> None:
    before = desk.everything()
    told = desk.run(SALES)
    with acting(vendor_actor(desk.vendor)), begin() as session:
        everybody = make.segment(session).id
        assert segments.build(session, segment_id=everybody).size == 2
    job = desk.undone(told["job"])
    assert (job.result or {})["stays"] == {}
    assert desk.everything() == before


def test_a_killed_import_goes_on_where_it_was_also_after_a_crash(desk: Desk) -> None:
    whole = Desk(desk.folder)
    whole.run(SALES)
    job_id = desk.run(SALES, commit=False)["job"]
    desk.do(history.begin_import, job_id=job_id)
    for _ in range(5):
        assert desk.do(history.import_chunk, job_id=job_id, size=1)
    assert desk.one("SELECT count(*) FROM orders") == 1
    for table in history.staging.STAGED:  # as a crash of the server empties what is unlogged
        desk.sql(f"DELETE FROM {table}")
    told = desk.run(SALES)
    assert (told["job"], told["status"], told["new_customers"]) == (job_id, "completed", 2)
    assert desk.everything() == whole.everything()
    assert desk.drift() == []


def test_a_stopped_import_can_be_undone(desk: Desk) -> None:
    before = desk.everything()
    job_id = desk.run(SALES, commit=False)["job"]
    desk.do(history.begin_import, job_id=job_id)
    for _ in range(5):
        desk.do(history.import_chunk, job_id=job_id, size=1)
    desk.do(history.ask_to_stop, job_id=job_id)
    desk.undone(job_id)
    assert desk.everything() == before
    assert desk.drift() == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "This file is empty"),
        ("Name,Amount\nx,3\n", "No column says when"),
        ("Date,Item\n2024-01-01,x\n", "No column says for how much"),
        (" customer_id  date number_of_cds  dollar_value\n 00001 19970101  1   11.77\n" * 3,
         "No column says when"),
        ("Date,Amount\n" + "2024-01-01,99999999\n" * 101, "The amounts add up to more"),
    ],
    ids=["empty", "no date", "no amount", "fixed width", "too much"],
)  # fmt: skip
def test_a_file_without_sales_is_refused_with_a_sentence(
    desk: Desk, content: str, sentence: str
) -> None:
    assert desk.run(content)["refused"].startswith(sentence)
    assert desk.one("SELECT count(*) FROM orders") == 0


def test_columns_can_be_named(desk: Desk) -> None:
    content = "a,b,c\n2024-01-01,3,x\n"
    columns = fields_of(["date=a,amount=b", "customer-reference=c"])
    assert desk.run(content, columns=columns)["new_customers"] == 1
    odd = desk.run("a,b\n2024-01-01,3\n", columns={SaleField.DATE: "z"})
    assert odd["refused"] == "There is no column 'z': the file has a, b."


def test_numbers_beyond_a_smallint_are_counted_on(desk: Desk) -> None:
    job_id = desk.run(SALES, commit=False)["job"]
    with acting(vendor_actor(desk.vendor)), begin() as session:
        job = session.get_one(ImportJob, job_id)
        assert next_order(session, job, done=30_000, lines=10_000) == (30_000, 0)
        assert next_order(session, job, done=0, lines=32_000) == (3, 4)
