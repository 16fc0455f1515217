"""What a till sends, read: JSON in which nothing is believed; a refusal names what it is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import orjson

from admin_views.forms import read_amount, read_whole
from admin_views.loaders import record_id, without_control
from app.errors import DomainError
from app.money import decimals_of
from app.operations import benefits
from app.operations.counter import Buyer, Item, Off, Paid
from app.operations.lines import MOST_LINES, MOST_PIECES, LineRefused
from app.operations.payments import TAKEN, NotATender
from app.operations.prices import NOTHING
from app.settings import settings
from models.orders import LineKind

MOST_PAYMENTS = 20
LONGEST = 500
T = TypeVar("T")


class NotWhole(DomainError):
    sentence = "This sale is not whole: reload the page; what you typed stays."


@dataclass(frozen=True, slots=True)
class Asked:
    """A sale as a till has it; `key` is the same for each try to sell it."""

    key: UUID
    lines: tuple[Item, ...]
    off: Off
    buyer: Buyer
    paid: tuple[Paid, ...] = ()
    owing: bool = False
    mail_to: str | None = None
    use: benefits.Asked = benefits.NOTHING_ASKED


def read(body: bytes) -> Asked:
    """The sale in a request's body."""
    sent = _object(_loaded(body))
    return Asked(
        key=_key(sent.get("key")),
        lines=tuple(
            _item(_object(line), f"lines.{n}") for n, line in enumerate(_list(sent, "lines"))
        ),
        off=_off(sent, "discount", "discount_why"),
        buyer=Buyer(
            _id(sent.get("customer"), "customer_id"), _text(sent, "name"), _text(sent, "phone")
        ),
        paid=tuple(_paid(_object(one), n) for n, one in enumerate(_list(sent, "paid"))),
        owing=sent.get("owing") is True,
        mail_to=_mail(sent),
        use=benefits.Asked(_codes(sent), _rewards(sent)),
    )


def _codes(sent: Mapping[str, Any]) -> tuple[str, ...]:
    """The codes, as they were typed: which of them are any is for the coupons to say."""
    found = _list(sent, "codes")
    if not all(isinstance(code, str) for code in found):
        raise NotWhole
    return tuple(code for code in found if code.strip())


def _rewards(sent: Mapping[str, Any]) -> tuple[int, ...]:
    ids = [_id(one, f"rewards.{n}") for n, one in enumerate(_list(sent, "rewards"))]
    return tuple(one for one in ids if one is not None)


def number_of(body: bytes, name: str) -> int:
    """The id that a request's body names; `NotWhole` without one."""
    number = record_id(_object(_loaded(body)).get(name))
    if number is None:
        raise NotWhole
    return number


def key_of(body: bytes) -> UUID:
    """The key of a sale, alone."""
    return _key(_object(_loaded(body)).get("key"))


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotWhole from None


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotWhole
    return value


def _list(sent: Mapping[str, Any], name: str) -> list[Any]:
    found = sent.get(name) or []
    if not isinstance(found, list):
        raise NotWhole
    if len(found) > (MOST_LINES if name == "lines" else MOST_PAYMENTS):
        raise LineRefused(f"There are too many {name}: begin a second sale.", field=name)
    return found


def _key(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise NotWhole from None


def _text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    if value is not None and not isinstance(value, str | int):
        raise NotWhole
    return without_control(str(value or ""))[: LONGEST * 20].strip() or None


def _id(value: Any, field: str) -> int | None:
    if value in (None, ""):
        return None
    number = record_id(value)
    if number is None:
        raise LineRefused("This one is not here: choose one from the list.", field=field)
    return number


def _at(field: str, read_it: Callable[[], T]) -> T:
    try:
        return read_it()
    except ValueError as error:
        raise DomainError(str(error), field=field) from None


def _amount(text: str, field: str) -> Decimal:
    return _at(field, lambda: read_amount(text[:60], decimals_of(settings().currency)))


def _item(line: Mapping[str, Any], row: str) -> Item:
    kind = next((k for k in LineKind if k == line.get("kind")), None)
    if kind is None:
        raise LineRefused(field=f"{row}.item_id")
    amount, wanted = _text(line, "amount"), str(line.get("quantity", 1))
    return Item(
        kind=kind,
        item_id=_id(line.get("item"), f"{row}.item_id"),
        quantity=_at(f"{row}.quantity", lambda: read_whole(wanted[:40], 1, MOST_PIECES)),
        amount=None if amount is None else _amount(amount, f"{row}.amount"),
        name=_text(line, "name"),
        off=_off(line, f"{row}.discount", f"{row}.why"),
        booking_id=_id(line.get("booking"), f"{row}.item_id"),
        staff_id=_id(line.get("staff"), f"{row}.staff_id"),
        holding_id=_id(line.get("holding"), f"{row}.holding_id"),
        membership_id=_id(line.get("membership"), f"{row}.holding_id"),
    )


def _off(sent: Mapping[str, Any], field: str, at_why: str) -> Off:
    """What is taken off: 5, or 10 %."""
    text = _text(sent, field.rpartition(".")[2])
    why = _text(sent, at_why.rpartition(".")[2])
    if text is None:
        return Off(why=why)
    if text.endswith("%"):
        part = _at(field, lambda: read_amount(text[:-1].strip()[:60]))
        return Off(NOTHING, part, why)
    return Off(_amount(text, field), None, why)


def _paid(one: Mapping[str, Any], n: int) -> Paid:
    tender = next((t for t in TAKEN if t == one.get("tender")), None)
    if tender is None:
        raise NotATender(field=f"paid.{n}")
    return Paid(tender, _amount(_text(one, "amount") or "", f"paid.{n}"), _text(one, "reference"))


def _mail(sent: Mapping[str, Any]) -> str | None:
    """Where the receipt is mailed; None for paper."""
    return None if sent.get("mail") is None else _text(sent, "mail") or ""
