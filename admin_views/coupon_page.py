"""A coupon's page beside its columns: how often it was used, what came of it, its codes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.details import link_to
from admin_views.loaders import Records, record_id
from admin_views.rendering import moment, money, word
from app import clock
from models.coupons import CodeBatch, Coupon, CouponCode, CouponRedemption
from reports import coupon_usage
from reports.coupon_usage import Sales

BATCHES = Records(CodeBatch, (CodeBatch.prefix,))
SHOWN, ON_A_SHEET = 6, 90
COLUMNS = [
    ("Channel", False), ("Uses", True), ("Taken off", True), ("Brought", True),
    ("A sale with it", True), ("A sale without", True),
]  # fmt: skip


def around(session: Session, request: Request, coupon: Coupon) -> dict[str, Any]:
    """Figures, sales by channel, codes, and who used it last."""
    used = coupon_usage.used(session, coupon)
    sales = coupon_usage.by_channel(session, coupon, now=clock.now())
    figures = [
        {"label": "Used", "value": f"{used.redeemed:,}",
         "note": f"{used.undone:,} given back" if used.undone else ""},
        {"label": "In drafts", "value": f"{used.held:,}"},
        {"label": "Taken off", "value": money(used.taken_off),
         "note": f"{money(used.borne)} borne by the marketplace" if used.borne else ""},
        {"label": "Brought", "value": money(_sum([one.brought for one in sales])),
         "note": "in the last 90 days"},
    ]  # fmt: skip
    lines = {
        "title": "Sales with it and without, last 90 days", "columns": COLUMNS,
        "rows": [_row(one) for one in sales],
    }  # fmt: skip
    return {
        "figures": figures,
        "lines": lines,
        "related": [*_codes(session, coupon), _last(session, coupon)],
    }


def link(coupon: Coupon) -> Markup | None:
    """A coupon's name, as the way to its page."""
    return link_to("coupon", coupon)


def _row(one: Sales) -> list[Any]:
    return [
        word(one.channel), f"{one.uses:,}", money(one.taken_off), money(one.brought),
        money(_each(one.brought, one.uses)), money(_each(one.brought_by_others, one.others)),
    ]  # fmt: skip


def _each(brought: Decimal, sales: int) -> Decimal | None:
    return brought / sales if sales else None


def _sum(amounts: list[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))


def _codes(session: Session, coupon: Coupon) -> list[dict[str, Any]]:
    """Its own codes, then those that were made together, with how far they have come."""
    if not coupon.needs_code:
        return []
    own = (
        select(CouponCode)
        .where(CouponCode.vendor_id == coupon.vendor_id, CouponCode.coupon_id == coupon.id)
        .where(CouponCode.batch_id.is_(None))
        .order_by(CouponCode.is_active.desc(), CouponCode.id.desc())
        .limit(SHOWN)
    )
    batches = (
        select(CodeBatch)
        .where(CodeBatch.vendor_id == coupon.vendor_id, CodeBatch.coupon_id == coupon.id)
        .order_by(CodeBatch.id.desc())
        .limit(SHOWN)
    )
    rows = [_code(one) for one in session.scalars(own)]
    rows += [_batch(one) for one in session.scalars(batches)]
    every = f"/admin/coupon-code/list?coupon={coupon.id}"
    return [{"title": "Codes", "rows": rows, "all_url": every, "empty": "no code yet"}]


def _code(code: CouponCode) -> dict[str, Any]:
    return {
        "title": code.code, "url": f"/admin/coupon-code/details/{code.id}",
        "sub": f"used {code.redeemed:,} times" if code.is_active else "ended", "icon": "ticket",
    }  # fmt: skip


def _batch(batch: CodeBatch) -> dict[str, Any]:
    done = batch.made >= batch.wanted
    begin = f", beginning with {batch.prefix}" if batch.prefix else ""
    own = {
        "title": f"{batch.wanted:,} codes{begin}",
        "url": f"/admin/coupon-code/list?batch={batch.id}", "icon": "ticket",
    }  # fmt: skip
    if done:
        sheet = {"title": "Print", "url": f"/admin/coupon/codes/{batch.id}"}
        return {**own, "sub": f"made {moment(batch.created_at)}", "way": sheet}
    return {
        **own, "sub": f"{batch.made:,} are made so far", "status": "running",
        "poll": f"/admin/coupon/codes/{batch.id}/progress", "done": batch.made,
        "total": batch.wanted,
    }  # fmt: skip


def progress(session: Session, number: int) -> dict[str, Any] | None:
    """How many codes of those that were asked for are made, as `live.js` reads it."""
    batch = session.get(CodeBatch, number)
    if batch is None:
        return None
    said = f"{batch.made:,} of {batch.wanted:,} codes"
    return {
        "done": batch.made, "total": batch.wanted, "text": said,
        "done_text": f"{batch.made:,} are made so far", "finished": batch.made >= batch.wanted,
    }  # fmt: skip


def sheet(
    session: Session, number: int, request: Request, worth: Callable[[Coupon], str]
) -> dict[str, Any] | None:
    """A sheet of the codes of a batch that can still be used, and the ways to the others."""
    batch = session.get(CodeBatch, number)
    if batch is None:
        return None
    coupon, after = batch.coupon, record_id(request.query_params.get("after")) or 0
    query = (
        select(CouponCode)
        .where(CouponCode.vendor_id == batch.vendor_id, CouponCode.batch_id == batch.id)
        .where(CouponCode.is_active, CouponCode.redeemed == 0, CouponCode.id > after)
        .order_by(CouponCode.id)
        .limit(ON_A_SHEET + 1)
    )
    found = session.scalars(query).all()
    codes, here = found[:ON_A_SHEET], f"/admin/coupon/codes/{batch.id}"
    buttons: list[dict[str, Any]] = [{"title": "First sheet", "url": here}] if after else []
    if len(found) > ON_A_SHEET:
        buttons.append({"title": "Next sheet", "url": f"{here}?after={codes[-1].id}"})
    buttons.append({"title": "Print", "icon": "printer", "print": True, "primary": True})
    return {
        "page_title": f"Codes of {coupon.name}", "coupon": coupon.name, "worth": worth(coupon),
        "path": [
            {"title": "Coupons and offers", "url": "/admin/coupon/list"},
            {"title": coupon.name, "url": f"/admin/coupon/details/{coupon.id}"},
            {"title": "Codes"},
        ],
        "until": moment(coupon.ends_at) if coupon.ends_at else "",
        "codes": [one.code for one in codes],
        "page_hint": f"{len(codes):,} on this sheet, {batch.made:,} were made",
        "buttons": buttons,
    }  # fmt: skip


def _last(session: Session, coupon: Coupon) -> dict[str, Any]:
    rows = (
        select(CouponRedemption)
        .where(
            CouponRedemption.vendor_id == coupon.vendor_id,
            CouponRedemption.coupon_id == coupon.id,
        )
        .options(joinedload(CouponRedemption.order), joinedload(CouponRedemption.customer))
        .order_by(CouponRedemption.id.desc())
        .limit(SHOWN)
    )
    return {
        "title": "Used last",
        "rows": [_use(one) for one in session.scalars(rows)],
        "all_url": f"/admin/coupon-redemption/list?coupon={coupon.id}",
        "empty": "nobody has used it yet",
    }


def _use(one: CouponRedemption) -> dict[str, Any]:
    who = one.customer.name if one.customer else "nobody that is known"
    return {
        "title": str(one.order), "url": f"/admin/order/details/{one.order_id}",
        "sub": f"{who}, {moment(one.redeemed_at or one.created_at)}", "amount": money(-one.amount),
        "status": one.status, "status_kind": "redemption",
    }  # fmt: skip
