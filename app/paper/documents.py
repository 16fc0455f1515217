"""Receipts, invoices and credit notes on paper: the same words make the same bytes."""

from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from app.money import decimals_of
from app.paper.sheets import GREY, LEFT, RIGHT, Sheets, painted, wrapped

TITLES = {"receipt": "Receipt", "invoice": "Invoice", "credit_note": "Credit note"}
TENDERS = {
    "cash": "Paid in cash", "card": "Paid by card", "bank_transfer": "Paid by bank transfer",
    "mobile_money": "Paid with mobile money", "store_credit": "Paid with store credit",
    "gateway": "Paid online", "elsewhere": "Paid before",
}  # fmt: skip
QUANTITY, PRICE, TAX = 310.0, 400.0, 445.0
"""Where these columns end; the total ends at the right edge."""
NAME_ROOM = 205.0
LABELS = 330.0

Content = dict[str, Any]


def draw(content: Content) -> bytes:
    """The PDF of a document's words, as many pages as they need."""
    title = title_of(content)
    sheets = Sheets(on_new=lambda new: _table_head(new, content, f"{title}, continued"))
    _letterhead(sheets, content)
    _table_head(sheets, content)
    for line in content["lines"]:
        _line(sheets, content, line)
    _sums(sheets, content)
    _payments(sheets, content)
    lang = content["locale"].replace("_", "-")
    return painted(sheets.pages, title=title, author=content["seller"]["name"], lang=lang)


def title_of(content: Content) -> str:
    """What a document is called: Receipt 12."""
    return f"{TITLES[content['kind']]} {content['number']}"


def money(content: Content, amount: str) -> str:
    """An amount as the document's locale writes it, without its currency."""
    decimals = decimals_of(content["currency"])
    shape = "#,##0.00" if decimals else "#,##0"
    return str(format_decimal(Decimal(amount), format=shape, locale=content["locale"]))


def long_day(content: Content, day: str) -> str:
    """20 November 2026."""
    return str(format_date(date.fromisoformat(day), "d MMMM y", locale=content["locale"]))


def percent(content: Content, rate: str | None) -> str:
    """23 %; nothing where there is no tax."""
    if rate is None:
        return ""
    return f"{format_decimal(Decimal(rate), locale=content['locale'])} %"


def rate_name(content: Content, rate: Content) -> str:
    """IVA 23 %."""
    said = f"{rate['name'] or 'Tax'} {percent(content, rate['percent'])}"
    return said if rate["percent"] is not None else "Without tax"


def taxes(content: Content) -> list[Content]:
    """The taxes by rate that are worth a word: none where nothing is taxed."""
    rates: list[Content] = content["taxes"]
    return rates if any(rate["percent"] is not None for rate in rates) else []


def corrected(content: Content) -> str | None:
    """What a credit note takes back: Corrects invoice 12 of 20 November 2026."""
    known = content.get("corrects")
    if not known:
        return None
    of_day = f" of {long_day(content, known['issued_on'])}" if known["issued_on"] else ""
    return f"Corrects {TITLES[known['kind']].lower()} {known['number']}{of_day}"


# --- the parts of a page ------------------------------------------------------------------


def _letterhead(sheets: Sheets, content: Content) -> None:
    top = sheets.y = sheets.y + 10
    seller = content["seller"]
    for words in wrapped(seller["name"], 270, 13, bold=True):
        sheets.text(LEFT, words, size=13, bold=True)
        sheets.y += 16
    _small(sheets, [seller["known_as"] or "", *seller["lines"], *_numbers(seller)])
    _small(sheets, seller["reach"])
    below, sheets.y = sheets.y, top
    _title(sheets, content)
    sheets.y = max(below, sheets.y) + 14
    if content["buyer"]:
        sheets.text(LEFT, "To", size=8, shade=GREY)
        sheets.y += 13
        for words in wrapped(content["buyer"]["name"], 270, 10, bold=True):
            sheets.text(LEFT, words, size=10, bold=True)
            sheets.y += 13
        _small(sheets, content["buyer"]["lines"], shade=0.1)
        sheets.y += 14
    for said in (corrected(content), content.get("reason")):
        for words in wrapped(said, RIGHT - LEFT) if said else ():
            sheets.text(LEFT, words)
            sheets.y += 13
    sheets.y += 6


def _numbers(seller: Content) -> list[str]:
    return [f"Tax number {seller['tax_number']}"] if seller["tax_number"] else []


def _small(sheets: Sheets, rows: list[str], shade: float = GREY) -> None:
    for row in rows:
        for words in wrapped(row, 270, 9) if row else ():
            sheets.text(LEFT, words, size=9, shade=shade)
            sheets.y += 12


def _title(sheets: Sheets, content: Content) -> None:
    sheets.text(RIGHT, TITLES[content["kind"]], size=18, bold=True, right=True)
    sheets.y += 20
    facts = [("Number", str(content["number"])), ("Date", long_day(content, content["issued_on"]))]
    if content["order"]:
        facts.append(("Order", str(content["order"])))
    facts.append(("Amounts in", content["currency"]))
    for label, value in facts:
        sheets.text(430, label, size=9, shade=GREY, right=True)
        sheets.text(RIGHT, value, size=9, right=True)
        sheets.y += 12


def _table_head(sheets: Sheets, content: Content, again: str = "") -> None:
    if again:
        sheets.text(LEFT, again, size=9, shade=GREY)
        sheets.y += 18
    total = "Total" if content["includes_tax"] else "Before tax"
    sheets.text(LEFT, "Item", size=8, shade=GREY)
    for label, until in (("Quantity", QUANTITY), ("Price", PRICE), ("Tax", TAX), (total, RIGHT)):
        sheets.text(until, label, size=8, shade=GREY, right=True)
    sheets.y += 5
    sheets.rule(shade=0.5)
    sheets.y += 13


def _line(sheets: Sheets, content: Content, line: Content) -> None:
    names = wrapped(line["name"], NAME_ROOM)
    reduced = Decimal(line["discount"]) > 0
    sheets.room(13 * min(len(names) + reduced, 20) + 4)
    if line["quantity"]:
        sheets.text(QUANTITY, str(line["quantity"]), right=True)
    if line["unit_price"]:
        sheets.text(PRICE, money(content, line["unit_price"]), right=True)
    sheets.text(TAX, percent(content, line["tax_percent"]), right=True, size=8.5, shade=GREY)
    sheets.text(RIGHT, money(content, line["total"]), right=True)
    for words in names:
        sheets.room(13)
        sheets.text(LEFT, words)
        sheets.y += 13
    if reduced:
        sheets.text(LEFT + 8, "Discount", size=8.5, shade=GREY)
        sheets.text(PRICE, money(content, f"-{line['discount']}"), size=8.5, shade=GREY, right=True)
        sheets.y += 13
    sheets.y -= 8
    sheets.rule()
    sheets.y += 13


def _sums(sheets: Sheets, content: Content) -> None:
    rates = taxes(content)
    sheets.room(60 + 13 * len(rates))
    sheets.y += 6
    if not content["includes_tax"]:
        _sum(sheets, "Before tax", money(content, content["net"]))
        _sum(sheets, "Tax", money(content, content["tax"]))
        sheets.y += 4
    sheets.text(LABELS, "Total", size=12, bold=True)
    said = f"{content['currency']} {money(content, content['total'])}"
    sheets.text(RIGHT, said, size=12, bold=True, right=True)
    sheets.y += 22
    if not rates:
        return
    for label, until in (("Before tax", TAX - 65), ("Tax", TAX + 10), ("With tax", RIGHT)):
        sheets.text(until, label, size=8, shade=GREY, right=True)
    sheets.text(LEFT, "Taxes in it", size=8, shade=GREY)
    sheets.y += 12
    for rate in rates:
        _rate(sheets, content, rate)
    sheets.y += 8


def _rate(sheets: Sheets, content: Content, rate: Content) -> None:
    names = wrapped(rate_name(content, rate), 230, 8.5)
    sheets.room(12 * min(len(names), 20))
    for until, amount in ((TAX - 65, "net"), (TAX + 10, "tax"), (RIGHT, "gross")):
        sheets.text(until, money(content, rate[amount]), size=8.5, right=True)
    for words in names:
        sheets.room(12)
        sheets.text(LEFT, words, size=8.5)
        sheets.y += 12


def _sum(sheets: Sheets, label: str, amount: str) -> None:
    sheets.room(14)
    sheets.text(LABELS, label)
    sheets.text(RIGHT, amount, right=True)
    sheets.y += 14


def _payments(sheets: Sheets, content: Content) -> None:
    for payment in content.get("payments", ()):
        _sum(sheets, TENDERS[payment["tender"]], money(content, payment["amount"]))
        if Decimal(payment.get("change", 0)) > 0:
            given, change = (money(content, payment[name]) for name in ("tendered", "change"))
            sheets.room(14)
            sheets.text(LABELS, f"Given {given}, change {change}", size=8.5, shade=GREY)
            sheets.y += 14
    if Decimal(content.get("due", 0)) > 0:
        _sum(sheets, "Still to pay", money(content, content["due"]))
