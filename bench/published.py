"""Published figures of public data, beside what Backroom says of the same sales.

`python -m bench.published DATA [--var FOLDER]`. DATA holds `retail/` and `published/`. The sales
are imported as past sales by the product's own reader, one vendor each; scores and cohorts are
worked out as every night; then each published figure is compared. `docs/published-figures.md` says
where they come from, and why some differ.
"""

import argparse
import csv
import io
import lzma
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from bench import fill, harness

ONLINE, CDNOW, NORTHWIND, RFM = "online-retail", "cdnow-39-weeks", "northwind", "rfm"
ZONES = {ONLINE: "Europe/London", CDNOW: "America/New_York", NORTHWIND: "Europe/London",
         RFM: "Europe/London"}  # fmt: skip
AS_OF = {ONLINE: date(2011, 12, 10), CDNOW: date(1997, 9, 30), NORTHWIND: date(1998, 5, 6),
         RFM: date(2006, 12, 31)}  # fmt: skip
"""The day up to which each publication looks."""
CALIBRATION = "19970930"
"""CDNOW is fitted to what was bought until then."""


# --- files our reader takes ----------------------------------------------------------------------


def prepared(data: Path, folder: Path) -> dict[str, Path]:
    """One list of past sales a vendor: the file as it is, or its columns beside each other."""
    files = {slug: folder / f"{slug}.csv" for slug in (CDNOW, NORTHWIND, RFM)}
    for slug, rows in (
        (CDNOW, _cdnow(data)), (NORTHWIND, _northwind(data)), (RFM, _rfm(data)),
    ):  # fmt: skip
        with files[slug].open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    return files | {ONLINE: data / "retail" / "online_retail_2010_2011.csv.xz"}


def _cdnow(data: Path) -> Iterator[Sequence[Any]]:
    yield "order", "customer", "date", "item", "quantity", "amount"
    text = (data / "retail" / "cdnow" / "CDNOW_sample.txt").read_text()
    for number, line in enumerate(text.splitlines(), 1):
        _, customer, day, pieces, money = line.split()
        if day <= CALIBRATION:
            yield number, customer, f"{day[:4]}-{day[4:6]}-{day[6:]}", "CD", pieces, money


def _northwind(data: Path) -> Iterator[Sequence[Any]]:
    yield "order", "customer", "date", "item", "sku", "amount"
    folder = data / "retail" / "northwind"
    orders = {row["OrderID"]: row for row in _table(folder / "orders.csv")}
    items = {row["ProductID"]: row["ProductName"] for row in _table(folder / "products.csv")}
    for row in _table(folder / "order_details.csv"):
        order, part = orders[row["OrderID"]], 1 - Decimal(row["Discount"])
        money = Decimal(row["UnitPrice"]) * int(row["Quantity"]) * part
        yield (row["OrderID"], order["CustomerID"], order["OrderDate"][:10],
               items[row["ProductID"]], row["ProductID"], f"{money:.2f}")  # fmt: skip


def _rfm(data: Path) -> Iterator[Sequence[Any]]:
    yield "order", "customer", "date", "item", "amount"
    for number, row in enumerate(_table(data / "retail" / "rfm_package_orders.csv"), 1):
        yield number, row["customer_id"], row["order_date"], "Order", row["revenue"]


def _table(path: Path) -> list[dict[str, str]]:
    with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
        return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")))


# --- ours ----------------------------------------------------------------------------------------


def imported(root: str, url: str, files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Import each list that is not there yet; the importer's own report of each."""
    with psycopg.connect(fill.dsn(root), autocommit=True) as connection:
        for slug in files:
            connection.execute(
                "INSERT INTO vendors (slug, name, kind, country, time_zone)"
                " VALUES (%s, %s, 'store', 'GB', %s) ON CONFLICT DO NOTHING",
                (slug, slug, ZONES[slug]),
            )
        there = {slug for (slug,) in connection.execute(
            "SELECT slug FROM vendors v WHERE EXISTS"
            " (SELECT FROM orders o WHERE o.vendor_id = v.id)")}  # fmt: skip
    from app.database import connect
    from tasks.history_file import run_file

    connect(url, pool_size=5)
    done = {}
    for slug, path in files.items():
        if slug not in there:
            run_file(path, vendor_slug=slug, commit=False)
            done[slug] = run_file(path, vendor_slug=slug, commit=True)
            if done[slug].get("status") != "completed":
                raise SystemExit(f"{slug} was not imported: {done[slug]}")
    return done


def settled(root: str) -> dict[str, int]:
    """Scores, cohorts and models of each vendor, as of the day its publication looks from."""
    from app.database import begin
    from app.operations import score_keeping, score_nights
    from app.tenancy import SYSTEM, acting

    with psycopg.connect(fill.dsn(root), autocommit=True) as connection:
        ids: dict[str, int] = dict(connection.execute("SELECT slug, id FROM vendors").fetchall())
    for slug, as_of in AS_OF.items():
        with acting(SYSTEM), begin() as session:
            score_keeping.rebuild_vendor(session, vendor_id=ids[slug])
            score_nights.settle(session, vendor_id=ids[slug], as_of=as_of)
    return ids


# --- beside each other ---------------------------------------------------------------------------


class Page:
    """What was published, what we say, and whether it is the same."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, name: str, published: Any, ours: Any) -> None:
        same = str(published) == str(ours)
        self.rows.append({"figure": name, "published": published, "ours": ours, "same": same})

    def told(self) -> str:
        head = "| figure | published | ours | |\n|---|--:|--:|---|\n"
        return head + "\n".join(
            f"| {row['figure']} | {row['published']} | {row['ours']} |"
            f" {'' if row['same'] else 'differs'} |" for row in self.rows
        )  # fmt: skip


def one(connection: Any, statement: str, *values: Any) -> tuple[Any, ...]:
    found = connection.execute(statement, values).fetchone()
    return tuple(found) if found else ()


def online_retail(page: Page, connection: Any, vendor: int, data: Path) -> None:
    orders, buyers, sold = one(
        connection,
        "SELECT count(*), count(DISTINCT customer_id), sum(total) FROM orders"
        " WHERE vendor_id = %s AND customer_id IS NOT NULL AND total > 0", vendor,
    )  # fmt: skip
    page.add("Online Retail: orders", 18532, orders)
    page.add("Online Retail: customers", 4338, buyers)
    page.add("Online Retail: sold, before returns", "8911407.90", sold)
    (again,) = one(
        connection,
        "SELECT count(*) FROM customers WHERE vendor_id = %s AND order_count >= 2", vendor,
    )  # fmt: skip
    page.add("Online Retail: bought more than once", 2845, again)
    page.add("Online Retail: repeat purchase rate, %", "65.58", f"{100 * again / buyers:.2f}")
    cells = {
        (cohort, age): customers
        for cohort, age, customers in connection.execute(
            "SELECT cohort, age, sum(customers) FROM cohort_figures"
            " WHERE vendor_id = %s AND grain = 'month' GROUP BY 1, 2", (vendor,))
    }  # fmt: skip
    published = _table(data / "published" / "online_retail_cohort_monikase.csv")
    same = sum(
        cells.get((date.fromisoformat(row["cohort_month"][:10]),
                   int(row["months_since_first_purchase"]))) == int(row["retention_count"])
        for row in published
    )  # fmt: skip
    page.add("Online Retail: cells of the cohort table that are equal", len(published), same)
    _rfm_of_customers(page, connection, vendor, data)


def _rfm_of_customers(page: Page, connection: Any, vendor: int, data: Path) -> None:
    ours = {
        str(number): row
        for number, *row in connection.execute(
            "SELECT c.reference, s.recency_days, c.order_count, s.revenue, s.r, s.segment,"
            " (SELECT sum(total) FROM orders o"
            "  WHERE o.vendor_id = c.vendor_id AND o.customer_id = c.id)"
            " FROM customer_scores s JOIN customers c ON c.id = s.customer_id"
            " WHERE s.vendor_id = %s", (vendor,))
    }  # fmt: skip
    published = {
        row["CustomerID"].removesuffix(".0"): row
        for row in _table(data / "published" / "online_retail_rfm_customers_monikase.csv")
    }
    twice = _twice(data)
    both = [(published[key], ours[key], twice[key]) for key in published.keys() & ours.keys()]

    def same(name: str, agree: Callable[[dict[str, str], Any, Decimal], bool]) -> None:
        page.add(f"... {name}", len(published), sum(agree(*three) for three in both))

    page.add("Online Retail: customers with scores", len(published), len(both))
    same("with the same recency", lambda theirs, mine, _: int(theirs["recency"]) == mine[0])
    same("with as many orders", lambda theirs, mine, _: int(theirs["frequency"]) == mine[1])
    same("with the same money", lambda theirs, mine, _: Decimal(theirs["monetary"]) == mine[2])
    same(
        "with the same money, ours before returns and theirs with lines that stand twice",
        lambda theirs, mine, again: Decimal(theirs["monetary"]) + again == mine[5],
    )
    same("in the same fifth by recency", lambda theirs, mine, _: int(theirs["R_score"]) == mine[3])
    champions = sum(theirs["segment"] == "Champions" for theirs, _, _ in both)
    page.add(
        "Online Retail: champions", champions, sum(mine[4] == "champions" for _, mine, _ in both)
    )


def _twice(data: Path) -> defaultdict[str, Decimal]:
    """What the sales come to that stand in the file more than once, by customer."""
    seen: set[tuple[str, ...]] = set()
    money = defaultdict[str, Decimal](Decimal)
    for row in _table(data / "retail" / "online_retail_2010_2011.csv.xz"):
        price, line = Decimal(row["UnitPrice"]), tuple(row.values())
        if row["CustomerID"] and price > 0 and int(row["Quantity"]) > 0:
            if line in seen:
                money[row["CustomerID"]] += price * int(row["Quantity"])
            seen.add(line)
    return money


def cdnow(page: Page, connection: Any, vendor: int) -> None:
    model = one(
        connection,
        "SELECT r, alpha, a, b, log_likelihood, p, q, v, customers, repeaters"
        " FROM score_models WHERE vendor_id = %s", vendor,
    )  # fmt: skip
    names = ("r", "alpha", "a", "b", "log-likelihood")
    told = ("0.243", "4.414", "0.793", "2.426", "-9582.4")
    for name, published, ours in zip(names, told, model, strict=False):
        digits = len(published.split(".")[1])
        page.add(f"CDNOW, BG/NBD: {name}", published, f"{ours:.{digits}f}")
    for name, published, ours in zip("pqv", ("6.25", "3.74", "15.44"), model[5:], strict=False):
        page.add(f"CDNOW, Gamma-Gamma: {name}", published, f"{ours:.2f}")
    page.add("CDNOW: customers", 2357, model[8])
    page.add("CDNOW: who bought again", 946, model[9])


def others(page: Page, connection: Any, ids: dict[str, int], data: Path) -> None:
    (sold,) = one(connection, "SELECT sum(total) FROM orders WHERE vendor_id = %s", ids[NORTHWIND])
    page.add("Northwind: sold", "1265793.04", sold)
    ours = {
        name: row
        for name, *row in connection.execute(
            "SELECT c.reference, s.recency_days, c.order_count, c.total_spent"
            " FROM customer_scores s JOIN customers c ON c.id = s.customer_id"
            " WHERE s.vendor_id = %s", (ids[RFM],))
    }  # fmt: skip
    published = _table(data / "published" / "rfm_package_vignette_first10.csv")
    same = sum(
        ours.get(row["customer_id"].replace("’", "'"), ours.get(row["customer_id"]))
        == [int(row["recency_days"]), int(row["transaction_count"]), Decimal(row["amount"])]
        for row in published
    )
    page.add("rfm package: first ten customers, recency, orders and money", len(published), same)


def compared(root: str, ids: dict[str, int], data: Path) -> Page:
    page = Page()
    with psycopg.connect(fill.dsn(root), autocommit=True) as connection:
        online_retail(page, connection, ids[ONLINE], data)
        cdnow(page, connection, ids[CDNOW])
        others(page, connection, ids, data)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--var", type=Path, help="keep the database here, and find it again")
    given = parser.parse_args()
    with (
        harness.server(given.var) as postgres,
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
    ):
        harness.migrated(postgres)
        root, url = postgres.url("backroom", "postgres"), postgres.url("backroom", "backroom_app")
        os.environ |= {"DATABASE_URL": url, "DEMO": "1", "VAR": folder}
        done = imported(root, url, prepared(given.data, Path(folder)))
        page = compared(root, settled(root), given.data)
    harness.write_results(
        "Published figures", f"`python -m bench.published`; what differs, and why, stands in"
        f" `docs/published-figures.md`.\n\n{page.told()}")  # fmt: skip
    harness.finish({"figures": page.rows, "imported": done})


if __name__ == "__main__":
    main()
