"""A desk to bring past sales to: a vendor, files as text, and what stands in the tables."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.database import begin
from app.operations import balances, history, interests
from app.past_sales import SaleField
from app.tenancy import SYSTEM, acting, vendor_actor
from models.imports import ImportJob
from tasks import history as tasks
from tasks.history_file import run_file
from tests import make

_numbers = count(1)
HEADER = (
    "Order", "Date", "Customer", "Name", "E-mail", "Item", "SKU", "Category", "Kind", "Quantity",
    "Amount", "Channel",
)  # fmt: skip


def line(**cells: str) -> tuple[str, ...]:
    """A line of a sale: a shampoo for ten to C1, unless said otherwise."""
    usual = {
        "Order": "1", "Date": "2024-03-05 10:00", "Customer": "C1", "Item": "Shampoo",
        "SKU": "SH1", "Category": "Hair", "Kind": "product", "Quantity": "1", "Amount": "10.00",
    }  # fmt: skip
    known = {name.replace("-", "").lower(): name for name in HEADER}
    said = usual | {known[name.lower()]: cell for name, cell in cells.items()}
    return tuple(said.get(name, "") for name in HEADER)


def written(lines: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> str:
    """The lines as a file."""
    file = io.StringIO()
    csv.writer(file).writerows([header, *lines])
    return file.getvalue()


@dataclass
class Desk:
    """One vendor's past sales."""

    folder: Path
    fields: dict[str, Any] = field(default_factory=dict)
    slug: str = ""
    vendor: int = 0

    def __post_init__(self) -> None:
        self.slug = f"history-{next(_numbers)}"
        zone = {"country": "PT", "time_zone": "Europe/Lisbon"}
        self.vendor = make.new_vendor(**({"slug": self.slug} | zone | self.fields))

    def file(self, content: str | bytes | Iterable[Sequence[str]], name: str = "sales.csv") -> Path:
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else written(content))
        return path

    def run(
        self,
        content: str | bytes | Iterable[Sequence[str]] | Path,
        *,
        commit: bool = True,
        columns: dict[SaleField, str] | None = None,
    ) -> dict[str, Any]:
        path = content if isinstance(content, Path) else self.file(content)
        return run_file(path, vendor_slug=self.slug, commit=commit, columns=columns)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with acting(vendor_actor(self.vendor)), begin() as session:
            found = session.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def one(self, statement: str, **values: Any) -> Any:
        [[value]] = self.sql(statement, **values)
        return value

    def do(self, verb: Any, **arguments: Any) -> Any:
        with acting(vendor_actor(self.vendor)), begin() as session:
            return verb(session, **arguments)

    def undone(self, job_id: int, size: int = 4) -> ImportJob:
        """The job, taken back in small chunks."""
        self.do(history.begin_undo, job_id=job_id)
        while self.do(history.undo_chunk, job_id=job_id, size=size):
            pass
        with acting(vendor_actor(self.vendor)):
            return tasks.undo_now(job_id)

    def drift(self) -> list[Any]:
        """What is kept and is not what happened."""
        with acting(vendor_actor(self.vendor)), begin() as session:
            return [*interests.drift(session), *balances.drift(session)]

    def everything(self) -> dict[str, list[Any]]:
        """All that past sales leave, without ids: what an undo has to bring back."""
        return {
            "orders": self.sql(
                "SELECT number, reference, status, channel, total, paid, refunded, placed_at,"
                " (SELECT coalesce(reference, full_name) FROM customers c WHERE c.id = customer_id)"
                " FROM orders ORDER BY number"
            ),
            "lines": self.sql(
                "SELECT o.number, l.position, l.kind, l.name, l.quantity, l.unit_price, l.discount,"
                " l.total, l.refunded FROM order_lines l JOIN orders o ON o.id = l.order_id"
                " ORDER BY 1, 2"
            ),
            "refunds": self.sql(
                "SELECT o.number, r.amount, r.status, r.created_at FROM refunds r"
                " JOIN orders o ON o.id = r.order_id ORDER BY 1, 4, 2"
            ),
            "customers": self.sql(
                "SELECT reference, full_name, email, phone, order_count, total_spent,"
                " products_spent, services_spent, last_order_at FROM customers"
                " ORDER BY 1, 2, 3, 4"
            ),
            "interests": self.sql(
                "SELECT c.reference, c.full_name, i.kind, i.times, i.spent, i.last_at"
                " FROM customer_interests i JOIN customers c ON c.id = i.customer_id"
                " ORDER BY 1, 2, 3, 4, 5, 6"
            ),
            "variants": self.sql(
                "SELECT p.name, p.status, regexp_replace(v.sku, 'PAST-\\d+', 'PAST'), v.price,"
                " v.tracks_stock, v.on_hand FROM variants v"
                " JOIN products p ON p.id = v.product_id ORDER BY 1, 3"
            ),
            "services": self.sql("SELECT name, kind, price, is_active FROM services ORDER BY 1"),
        }

    def categories(self) -> list[Any]:
        with acting(SYSTEM), begin() as session:
            return [
                tuple(row)
                for row in session.execute(text("SELECT kind, name FROM categories ORDER BY 1, 2"))
            ]

    def revenue(self) -> Decimal:
        return Decimal(self.one("SELECT coalesce(sum(total), 0) FROM orders"))
