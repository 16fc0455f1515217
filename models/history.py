"""Past sales on their way in: lines, buyers, items and orders as read, and what became of them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Belonging, Money, one_of, same_vendor


def _of_job() -> Any:
    return same_vendor("job_id", "import_jobs", ondelete="CASCADE")


_UNLOGGED = {"prefixes": ["UNLOGGED"]}


class StagedSale(Belonging, Base):
    """A line of a list of past sales, kept from the try-out until it is imported.

    A negative quantity is a return. `order_key`, `buyer` and `item` are hashes of what makes
    lines one order, one customer, one item; `digest` is one of the whole line. Unlogged, as all
    that is staged: after a crash of the server the list is read again.
    """

    __tablename__ = "staged_sales"
    __table_args__ = (
        _of_job(),
        UniqueConstraint("vendor_id", "job_id", "position"),
        Index(None, "vendor_id", "job_id", "order_key"),
        _UNLOGGED,
    )

    job_id: Mapped[int] = mapped_column()
    position: Mapped[int] = mapped_column(comment="1 for the first row after the header")
    line: Mapped[int]
    digest: Mapped[int]
    code: Mapped[str | None] = mapped_column(comment="why the line is left out")
    raw: Mapped[list[Any] | None]
    problems: Mapped[list[Any] | None]
    sold_at: Mapped[datetime | None]
    order_key: Mapped[int | None]
    reference: Mapped[str | None] = mapped_column(comment="the order's number in the other till")
    buyer: Mapped[int | None]
    item: Mapped[int | None]
    name: Mapped[str | None]
    quantity: Mapped[int | None]
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    total: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    channel: Mapped[str | None]


class StagedBuyer(Belonging, Base):
    """Somebody whom a list of past sales speaks of, and who that is among the customers.

    One without a reference follows the `leader` of the same list: who has the same e-mail or phone.
    `since` is the oldest order of a leader and all followers.
    """

    __tablename__ = "staged_buyers"
    __table_args__ = (_of_job(), UniqueConstraint("vendor_id", "job_id", "key"), _UNLOGGED)

    job_id: Mapped[int] = mapped_column()
    key: Mapped[int]
    line: Mapped[int] = mapped_column(comment="the first that names them")
    reference: Mapped[str | None]
    full_name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    leader: Mapped[int | None]
    customer_id: Mapped[int | None]
    since: Mapped[datetime | None]


class StagedItem(Belonging, Base):
    """Something that a list of past sales says was sold, and what that is in the catalogue."""

    __tablename__ = "staged_items"
    __table_args__ = (_of_job(), UniqueConstraint("vendor_id", "job_id", "key"), _UNLOGGED)

    job_id: Mapped[int] = mapped_column()
    key: Mapped[int]
    line: Mapped[int] = mapped_column(comment="the first that names it")
    kind: Mapped[str | None]
    code: Mapped[str | None]
    name: Mapped[str | None]
    category: Mapped[str | None]
    unit_price: Mapped[Money]
    category_id: Mapped[int | None]
    variant_id: Mapped[int | None]
    service_id: Mapped[int | None]


class StagedOrder(Belonging, Base):
    """What a list of past sales makes one order of; `number` 1 is the oldest."""

    __tablename__ = "staged_orders"
    __table_args__ = (
        _of_job(),
        UniqueConstraint("vendor_id", "job_id", "number"),
        UniqueConstraint("vendor_id", "job_id", "key"),
        _UNLOGGED,
    )

    job_id: Mapped[int] = mapped_column()
    number: Mapped[int]
    key: Mapped[int]
    until_line: Mapped[int] = mapped_column(comment="lines of this order and all older ones")
    placed_at: Mapped[datetime]
    reference: Mapped[str | None]
    buyer: Mapped[int | None]
    channel: Mapped[str]
    total: Mapped[Money]
    order_id: Mapped[int | None]


class StagedRefund(Belonging, Base):
    """What a returned line gets back of one line that was sold: of this list, or known before.

    Rows of one `number` are one refund. `sale` is the position of the line sold in this list.
    What found no sale has neither, and the number 0.
    """

    __tablename__ = "staged_refunds"
    __table_args__ = (
        _of_job(),
        CheckConstraint("num_nonnulls(sale, order_line_id) <= 1", name="one_line_was_sold"),
        Index(None, "vendor_id", "job_id", "number"),
        _UNLOGGED,
    )

    job_id: Mapped[int] = mapped_column()
    number: Mapped[int]
    position: Mapped[int] = mapped_column(comment="of the line that is the return")
    at: Mapped[datetime]
    reference: Mapped[str | None]
    sale: Mapped[int | None]
    order_key: Mapped[int | None]
    order_line_id: Mapped[int | None]
    amount: Mapped[Money]


class Noun(StrEnum):
    """What an import of past sales makes besides orders."""

    CATEGORY = "category"
    CUSTOMER = "customer"
    PRODUCT = "product"
    REFERENCE = "reference"
    SERVICE = "service"


class ImportMade(Belonging, Base):
    """What an import had to make, for its undoing; a `reference` is one given to a customer."""

    __tablename__ = "import_made"
    __table_args__ = (
        _of_job(),
        UniqueConstraint("vendor_id", "job_id", "noun", "row_id"),
        one_of("noun", Noun),
    )

    job_id: Mapped[int] = mapped_column()
    noun: Mapped[str]
    row_id: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
