"""Stock on screen: what there is of each variant, what runs low, and the ledger behind it."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, contains_eager, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.category_filters import InCategory
from admin_views.customer_list import import_url
from admin_views.details import link_to
from admin_views.filters import Named, Related, YesNo, of_vendor
from admin_views.forms import read_whole
from admin_views.lists import Address, Col, Sort
from admin_views.loaders import record_id
from admin_views.lookups import ALL_PRODUCTS
from admin_views.rendering import moment, money, plural, word
from admin_views.saving import Command
from app.errors import DomainError
from app.operations import audit, stock
from models.categories import CategoryKind
from models.products import Product, Variant
from models.stock import MoveKind
from reports import stock_ledger
from reports.stock_ledger import Line

KINDS = {
    MoveKind.SALE: "Handed over", MoveKind.RESERVATION: "Promised", MoveKind.RELEASE: "Let go",
    MoveKind.RECEIPT: "Received", MoveKind.RETURN: "Came back", MoveKind.ADJUSTMENT: "Counted",
    MoveKind.CONSUMPTION: "Used up", MoveKind.WRITE_OFF: "Written off",
}  # fmt: skip
COLUMNS = [
    ("When", False), ("What", False), ("On hand", True), ("Promised", True), ("After", True),
    ("For", False), ("By", False),
]  # fmt: skip
STATES = (
    ("low", "Running low", lambda: stock.LOW),
    ("out", "None to be had", lambda: Variant.on_hand <= Variant.reserved),
    ("owed", "More promised than here", lambda: Variant.on_hand < Variant.reserved),
    ("there", "Some to be had", lambda: Variant.on_hand > Variant.reserved),
)


class NotWhole(DomainError):
    sentence = "{said}"


def _pieces(text: str, field: str, least: int) -> int:
    try:
        return read_whole(text, least, stock.MOST)
    except ValueError as error:
        raise NotWhole(said=str(error), field=field) from None


def _receive(session: Session, number: int, quantity: str = "", reason: str = "") -> None:
    pieces = _pieces(quantity, "quantity", 1)
    stock.receive(session, variant_id=number, quantity=pieces, reason=reason)


def _adjust(
    session: Session, number: int, counted: str = "", reason: str = "", seen: str = ""
) -> None:
    pieces, before = _pieces(counted, "counted", 0), record_id(seen)
    if seen == "0":
        before = 0
    stock.adjust(session, variant_id=number, counted=pieces, reason=reason, seen=before)


def _write_off(session: Session, number: int, quantity: str = "", reason: str = "") -> None:
    pieces = _pieces(quantity, "quantity", 1)
    stock.write_off(session, variant_id=number, quantity=pieces, reason=reason)


def _counted(variant: Variant) -> bool:
    return variant.tracks_stock


def _state(variant: Variant) -> str | None:
    """The word beside a variant that somebody has to look after."""
    if variant.available < 0:
        return "owed"
    if variant.available == 0:
        return "out"
    return "low" if variant.available <= variant.low_stock else None


def _ask_receive(variant: Variant) -> tuple[str, str]:
    return f"What came in of {variant}?", f"{_here(variant)} It is added to that."


def _ask_count(variant: Variant) -> tuple[str, str]:
    return f"How many of {variant} did you count?", f"{_here(variant)} The difference is booked."


def _ask_write_off(variant: Variant) -> tuple[str, str]:
    return f"What is gone of {variant}?", f"{_here(variant)} It cannot be undone, but received."


def _here(variant: Variant) -> str:
    promised = f", {variant.reserved:,} of them promised" if variant.reserved else ""
    return f"The books say {variant.on_hand:,} on hand{promised}."


class StockView(HouseView, model=Variant):
    """Stock: numbers that only the ledger moves."""

    name, name_plural, icon, category = "Stock", "Stock", "ti ti-building-warehouse", "Catalogue"
    noun, status_kind = "variant", "stock"
    hint = "Variants whose stock is counted; products say which"
    can_create = can_edit = can_delete = False
    columns = (
        Col("name", "Variant", value=str),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("sku", "SKU", sort="sku"),
        Col("on_hand", "On hand", "number", numeric=True),
        Col("reserved", "Promised", "number", numeric=True),
        Col("available", "To be had", "number", numeric=True),
        Col("low_stock", "Low at", "number", numeric=True),
        Col("state", "State", "pill", value=_state, pill_kind="stock", css="c-status"),
    )
    sorts = declared(sku=Sort(Variant.sku), newest=Sort(Variant.id, descending=True))
    searched = (Product.name, Variant.option, Variant.sku, Variant.barcode)
    search_hint = "Search name, SKU or barcode"
    filters = (
        Named("stock", "Stock", icon="alert-triangle", conditions=STATES),
        of_vendor(Variant.vendor_id),
        Related("product", "Product", Variant.product_id, icon="package", lookup=ALL_PRODUCTS),
        InCategory(
            "category", "Category", Product.category_id, icon="sitemap", of=CategoryKind.PRODUCT
        ),
        YesNo("active", "Sold", Variant.is_active, open=False),
    )
    loads = (contains_eager(Variant.product),)
    details_loads = (joinedload(Variant.product), joinedload(Variant.tax_class))
    details = (
        (
            "Variant",
            (
                Col("product", "Product", value=lambda v: link_to("product", v.product)),
                Col("sku", "SKU"),
                Col("barcode", "Barcode"),
                Col("price", "Price", "money"),
                Col("cost", "Cost", "money"),
                Col("tax_class", "Tax class", value=lambda v: v.tax_class and v.tax_class.name),
                Col("warranty_months", "Warranty", value=lambda v: _months(v.warranty_months)),
                Col("allows_backorder", "May be back-ordered"),
                Col("is_active", "Sold"),
            ),
        ),
    )
    hides_empty = ("barcode", "cost", "tax_class", "warranty_months")
    commands = (
        Command(
            "receive", "Receive", _receive, _counted, "Received.", icon="package-import",
            primary=True, action="receive", ask=_ask_receive,
            inputs=(("quantity", "How many came in"), ("reason", "From whom, or which delivery")),
            wholes=("quantity",),
        ),
        Command(
            "adjust", "Count", _adjust, _counted, "Booked as you counted.", icon="checklist",
            action="adjust", ask=_ask_count,
            inputs=(("counted", "How many there are"), ("reason", "Why it differs")),
            wholes=("counted",), carries=lambda v: {"seen": str(v.on_hand)}, carried=("seen",),
        ),
        Command(
            "write-off", "Write off", _write_off, _counted, "Written off.", icon="trash",
            danger=True, action="adjust", ask=_ask_write_off,
            inputs=(("quantity", "How many are gone"), ("reason", "Why")), wholes=("quantity",),
        ),
    )  # fmt: skip
    empty = declared(
        icon="building-warehouse", title="No stock is counted yet",
        text="Open a product and tick “Count its stock”; then receive what is on your shelf.",
    )  # fmt: skip

    def rows(self, session: Session) -> Select[Any]:
        """What is counted, with its product."""
        same = and_(Product.vendor_id == Variant.vendor_id, Product.id == Variant.product_id)
        return select(Variant).join(Product, same).where(Variant.tracks_stock)

    def list_buttons(self, request: Request) -> list[dict[str, Any]]:
        """The short way to what runs low, to the products, and to a list of opening stock."""
        low = {"title": "Running low", "url": "?stock=low", "icon": "alert-triangle"}
        buttons = [low, {"title": "Products", "url": "/admin/product/list", "icon": "package"}]
        if url := import_url(request, self, "stock"):
            buttons.append({"title": "Import", "url": url, "icon": "file-import"})
        return buttons

    def status_of(self, record: Any) -> str | None:
        """Whether somebody has to look after it."""
        return _state(record) if record.tracks_stock else None

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The numbers, and the ledger that they are the sums of."""
        before = record_id(request.query_params.get("before"))
        ledger = stock_ledger.page(session, record, before=before)
        lines: dict[str, Any] = {
            "title": "Ledger", "css": "wraps", "columns": COLUMNS,
            "rows": [_cells(line) for line in ledger.lines],
            "next_url": Address(()).url(before=str(ledger.earlier)) if ledger.earlier else None,
            "prev_url": request.url.path if before else None,
        }  # fmt: skip
        if not record.tracks_stock:
            note = [("circle-minus", "Its stock is not counted: its product says so")]
            return {"marks": note, **({"lines": lines} if ledger.lines else {})}
        return {"figures": _figures(record), "lines": lines}


def _months(number: int | None) -> str | None:
    return plural(number, "month") if number else None


def _figures(variant: Variant) -> list[dict[str, Any]]:
    return [
        {"label": "On hand", "value": f"{variant.on_hand:,}"},
        {"label": "Promised to orders", "value": f"{variant.reserved:,}"},
        {"label": "To be had", "value": f"{variant.available:,}",
         "note": f"low at {variant.low_stock:,}"},
        {"label": "Worth at cost",
         "value": money(variant.on_hand * variant.cost) if variant.cost is not None else "–"},
    ]  # fmt: skip


def _cells(line: Line) -> list[Any]:
    return [
        moment(line.at),
        KINDS.get(MoveKind(line.kind), word(line.kind)),
        _signed(line.on_hand),
        _signed(line.reserved),
        f"{line.after:,}",
        _for(line),
        audit.who(line.user_id, {line.user_id: line.user} if line.user else {}),
    ]


def _signed(pieces: int) -> str:
    """+3 or −3, with the minus that figures have; nothing where nothing moved."""
    if not pieces:
        return ""
    return f"{'+' if pieces > 0 else '−'}{abs(pieces):,}"


def _for(line: Line) -> Markup | str:
    """The order, return or booking that moved it, and the reason that was given."""
    ways = []
    if line.order_id is not None:
        ways.append((f"/admin/order/details/{line.order_id}", f"Order {line.order_number}"))
    if line.booking_id is not None:
        ways.append((f"/admin/booking/details/{line.booking_id}", "A booking"))
    parts = [Markup('<a href="{}">{}</a>').format(url, title) for url, title in ways]
    if line.return_number is not None:
        parts.append(Markup("return {}").format(line.return_number))
    if line.reason:
        parts.append(Markup("{}").format(line.reason))
    return Markup(", ").join(parts)


VIEWS = [StockView]
