"""Taxes on screen: classes of what is sold, their rates by place and day edited in line."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.forms import Saving, Text, read_amount
from admin_views.lines import Cell, Line, Lines
from admin_views.lists import Col, Sort
from admin_views.places import countries, country_name
from admin_views.policies import percent
from admin_views.rendering import day
from admin_views.saving import Command
from app.errors import DomainError
from app.operations import taxes
from models.taxes import TaxClass, TaxRate

NAMES = ("name", "country", "region", "percent", "starts_on")


def read_country(text: str) -> str:
    """PT, for PT or Portugal."""
    wanted = text.strip().casefold()
    for code, name in countries():
        if wanted in (code.casefold(), name.casefold()):
            return code
    raise ValueError("there is no such country, write its two letters, such as PT.")


def read_percent(text: str) -> Decimal:
    """23, 5.5 or 6,125, with or without the sign."""
    value = read_amount(text.removesuffix("%").strip(), 3)
    if value > 100:
        raise ValueError("this is more than the whole price, write at most 100.")
    return value


def read_day(text: str) -> date:
    """The day, as one writes 2026-11-20."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("this is no date, write it like 2026-11-20.") from None
    if not 1900 <= found.year <= 2200:
        raise ValueError("this year cannot be right, use one between 1900 and 2200.")
    return found


CELLS = (
    Cell("name", "On receipts", wanted=True),
    Cell("country", "Country", read_country, wanted=True),
    Cell("region", "Region"),
    Cell(
        "percent", "Percent", read_percent, lambda v: f"{v.normalize():f}", wanted=True,
        numeric=True,
    ),
    Cell("starts_on", "From", read_day, date.isoformat, wanted=True),
)  # fmt: skip


def _rates(kept: TaxClass) -> str:
    """The latest rates, as a list shows them."""
    latest: dict[tuple[str, str | None], TaxRate] = {}
    for rate in kept.rates:  # the newest stands first
        latest.setdefault((rate.country, rate.region), rate)
    shown = [f"{percent(r.percent)} {r.region or r.country}" for r in latest.values()]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


class TaxView(HouseView, model=TaxClass):
    """What is taxed alike, and with how much where."""

    name, name_plural, icon, category = "Tax class", "Taxes", "ti ti-receipt-tax", "Catalogue"
    hint = "A rate holds from its day until the next one; what was sold keeps its own"
    columns = (
        Col("name", "Class", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("rates", "Rates", value=_rates),
        Col("is_default", "For all that name none", "bool"),
    )
    sorts = declared(name=Sort(TaxClass.name))
    searched = (TaxClass.name,)
    filters = (of_vendor(TaxClass.vendor_id),)
    loads = (selectinload(TaxClass.rates),)
    details = (("Class", (Col("is_default", "For all that name none"),)),)
    fields = declared(
        name=Text("Name", wanted=True, longest=80, hint="Such as Standard, Food or Books"),
        rates=Lines("Rates", CELLS, one="rate"),
    )
    form_sections = (("Tax class", ("name",)), ("Rates", ("rates",)))
    commands = (
        Command(
            "make-default", "Use for all others",
            lambda session, number: taxes.make_default(session, tax_class_id=number),
            lambda kept: not kept.is_default,
            "From now on what names no class is taxed as this one.", icon="circle-check",
            action="edit",
        ),
    )  # fmt: skip
    stays = "What was sold keeps the tax it was sold with."
    empty = declared(
        icon="receipt-tax", title="No taxes yet",
        text="Without a tax class everything is sold without tax. Begin with the usual rate.",
    )  # fmt: skip

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The name, and the rates as rows."""
        rows = [{"id": r.id, **{n: getattr(r, n) for n in NAMES}} for r in record.rates]
        return {"name": record.name, "rates": rows}

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """The class with its rates; a vendor's first one is for all that name none."""
        rows = values.pop("rates", []) or []
        kept = super().create_record(session, values, data, context)
        session.flush()  # the id that the rates refer to
        others = select(TaxClass.id).where(
            TaxClass.vendor_id == kept.vendor_id, TaxClass.id != kept.id
        )
        kept.is_default = session.scalar(others.limit(1)) is None
        write_rates(kept, rows)
        return kept

    def change_record(
        self, session: Session, record: Any, values: dict[str, Any], *given: Any
    ) -> None:
        """The class, and its rates as the form has them."""
        rows = values.pop("rates", []) or []
        super().change_record(session, record, values, *given)
        write_rates(record, rows)

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The rates as a table, the newest first."""
        columns = [
            ("On receipts", False), ("Where", False), ("Percent", True), ("From", False),
        ]  # fmt: skip
        rows = [
            [r.name, ", ".join(p for p in (r.region, country_name(r.country)) if p),
             percent(r.percent), day(r.starts_on)]
            for r in record.rates
        ]  # fmt: skip
        return {"lines": {"title": "Rates", "columns": columns, "rows": rows}}


def write_rates(kept: Any, rows: list[Line]) -> None:
    """Change known rates, add new ones, remove those that are gone; a foreign row is refused."""
    known = {rate.id: rate for rate in kept.rates}
    rates: list[TaxRate] = []
    for row in rows:
        rate = known.pop(row.id, None) if row.id else TaxRate(vendor_id=kept.vendor_id)
        if rate is None:
            raise DomainError(
                "A row is not of this tax class: reload the page and try again.", field="rates"
            )
        for name, value in row.values.items():
            if getattr(rate, name, None) != value:
                setattr(rate, name, value)
        rates.append(rate)
    kept.rates = rates


VIEWS = [TaxView]
