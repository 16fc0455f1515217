"""Coupons and offers on screen: written down, given codes, and what became of them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqladmin import expose
from sqlalchemy import Select, exists, func, or_
from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views import coupon_fields, coupon_page
from admin_views.access import needs
from admin_views.base import HouseView, declared
from admin_views.coupon_fields import HOURS, THINGS, ThingPicks
from admin_views.details import link_to
from admin_views.filters import Named, OneOf, Related, VendorDays, YesNo, of_vendor
from admin_views.forms import (
    Amount,
    Check,
    Choice,
    Code,
    Pick,
    Saving,
    Text,
    WallTime,
    Whole,
)
from admin_views.lines import Line, Lines
from admin_views.lists import Col, Sort
from admin_views.loaders import Records, contains
from admin_views.rendering import moment, money, number
from admin_views.saving import Command
from app import clock
from app.operations import code_making, coupon_keeping
from app.operations.coupon_codes import LONGEST_CODE
from app.operations.coupon_terms import hours_of, targets_of
from app.tenancy import DatabaseRole, current_actor
from models.coupons import (
    Coupon,
    CouponCode,
    CouponKind,
    CouponRedemption,
    CouponTarget,
    RedemptionStatus,
    Stacking,
    TargetPart,
)
from models.segments import Segment
from models.tags import Tag
from models.words import Channel

KINDS = (
    (CouponKind.PERCENT.value, "Percent off"),
    (CouponKind.AMOUNT.value, "Amount off"),
    (CouponKind.FREE_ITEM.value, "Free item"),
    (CouponKind.BUY_GET.value, "Buy some, get some"),
)
STACKS = (
    (Stacking.COMBINABLE.value, "Together with others"),
    (Stacking.BEST_OF.value, "Only the best of these"),
    (Stacking.EXCLUSIVE.value, "Alone"),
)
CHANNELS = tuple(
    (c.value, c.value.replace("_", "-").capitalize()) for c in Channel if c is not Channel.IMPORT
)
TAGS = Records(Tag, (Tag.name,))
SEGMENTS = Records(Segment, (Segment.name,))
COUPONS = Records(Coupon, (Coupon.name,))
MARKETPLACE = "marketplace_percent"
AT = "sold_"
"""Begins the names of the fields that say where a coupon holds; with none it is everywhere."""


def percent(value: Decimal) -> str:
    """15 %, 12.5 %."""
    return f"{number(Decimal(value).normalize())} %"


def worth(coupon: Coupon) -> str:
    """15 %, or 5.00, or what one gets for what."""
    if coupon.kind == CouponKind.AMOUNT:
        return money(coupon.value)
    if coupon.kind == CouponKind.PERCENT:
        return percent(coupon.value)
    off = "free" if coupon.value == 100 else f"{percent(coupon.value)} off"
    if coupon.kind == CouponKind.FREE_ITEM:
        return f"{coupon.get_quantity} {off}"
    return f"buy {coupon.buy_quantity}, {coupon.get_quantity} {off}"


def state(coupon: Coupon) -> str:
    """How it stands: to come, running, used up, ended."""
    now = clock.now()
    if not coupon.is_active or (coupon.ends_at is not None and coupon.ends_at <= now):
        return "ended"
    if coupon.starts_at is not None and coupon.starts_at > now:
        return "scheduled"
    most = coupon.max_redemptions
    return "used" if most is not None and coupon.redeemed >= most else "active"


def _about(part: TargetPart) -> Any:
    def said(coupon: Coupon) -> str:
        named = [str(one) for one in targets_of(coupon, part)]
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        return ", ".join(named[:5]) + more if named else "any item"

    return said


def _bought(coupon: Coupon) -> str | None:
    return _about(TargetPart.BOUGHT)(coupon) if coupon.kind == CouponKind.BUY_GET else None


def _until(coupon: Coupon) -> str:
    return moment(coupon.ends_at, "without end")


def _asked_for(coupon: Coupon) -> str:
    return "by a code" if coupon.needs_code else "counts by itself"


def _limit(coupon: Coupon) -> str:
    most = coupon.max_redemptions
    return f"{coupon.redeemed:,}" if most is None else f"{coupon.redeemed:,} of {most:,}"


def _borne_by(coupon: Coupon) -> str | None:
    return percent(coupon.marketplace_percent) if coupon.marketplace_percent else None


def _channels(coupon: Coupon) -> str | None:
    names = dict(CHANNELS)
    return ", ".join(names.get(c, c) for c in coupon.channels) if coupon.channels else None


def _switched(*, on: bool) -> Any:
    def run(session: Session, number: int) -> None:
        coupon_keeping.switch(session, coupon_id=number, on=on)

    return run


class CouponView(HouseView, model=Coupon):
    """What makes orders cheaper, under a code or by itself."""

    name, name_plural, icon, category = (
        "Coupon",
        "Coupons and offers",
        "ti ti-discount",
        "Catalogue",
    )
    noun, status_kind = "coupon", "coupon"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", css="c-status", value=state, pill_kind="coupon"),
        Col("worth", "Worth", value=worth),
        Col("asked", "Asked for", value=_asked_for),
        Col("ends_at", "Until", value=_until),
        Col("redeemed", "Used", value=_limit, numeric=True),
    )
    sorts = declared(newest=Sort(Coupon.id, descending=True), name=Sort(Coupon.name))
    search_hint = "Search name or code"
    filters = (
        of_vendor(Coupon.vendor_id),
        OneOf("kind", "Kind", Coupon.kind, icon="category", words=KINDS),
        YesNo("code", "By a code", Coupon.needs_code, icon="ticket"),
        Named(
            "state", "State", icon="circle-dot",
            conditions=(
                (
                    "running", "Running",
                    lambda: Coupon.is_active & _begun() & ~_over(),
                ),
                ("ended", "Ended", lambda: or_(~Coupon.is_active, _over())),
            ),
        ),
        OneOf("stacking", "Beside others", Coupon.stacking, words=STACKS, open=False),
        Related("tag", "Tag", Coupon.tag_id, icon="tag", lookup=TAGS, open=False),
    )  # fmt: skip
    details_loads = (
        joinedload(Coupon.tag),
        joinedload(Coupon.segment),
        *(
            selectinload(Coupon.targets).joinedload(getattr(CouponTarget, name))
            for name in ("service", "product", "variant", "category")
        ),
    )
    details = (
        (
            "Offer",
            (
                Col("worth", "Worth", value=worth),
                Col("cheaper", "Becomes cheaper", value=_about(TargetPart.CHEAPER)),
                Col("bought", "For buying", value=_bought),
                Col("minimum_spend", "Items for at least", "money"),
                Col("stacking", "Beside others", value=lambda c: dict(STACKS)[c.stacking]),
                Col(MARKETPLACE, "Borne by the marketplace", value=_borne_by),
            ),
        ),
        (
            "For whom and when",
            (
                Col("asked", "Asked for", value=_asked_for),
                Col("starts_at", "From", "moment"),
                Col("ends_at", "Until", "moment"),
                Col("windows", "Hours", value=lambda c: hours_of(c.windows) if c.windows else None),
                Col("channels", "Sold", value=_channels),
                Col("first_visit", "First visit only", value=lambda c: c.first_visit or None),
                Col("birthday_days", "Days around a birthday", value=lambda c: c.birthday_days),
                Col("tag", "Tagged", value=lambda c: c.tag and c.tag.name),
                Col("segment", "Segment", value=lambda c: link_to("segment", c.segment)),
                Col("max_redemptions", "Uses in all", "number"),
                Col("max_per_customer", "Uses a customer", "number"),
            ),
        ),
    )
    hides_empty = (
        "bought", "minimum_spend", MARKETPLACE, "starts_at", "ends_at", "windows", "channels",
        "first_visit", "birthday_days", "tag", "segment", "max_redemptions", "max_per_customer",
    )  # fmt: skip
    fields = declared(
        name=Text("Name", wanted=True, longest=120, hint="Customers see it on what they get"),
        needs_code=Check("Asked for by a code", hint="Else it counts by itself where it fits"),
        code=Code("Code", longest=LONGEST_CODE, hint="Read in small letters too"),
        kind=Choice("Kind", KINDS, wanted=True, default=CouponKind.PERCENT.value),
        value=Amount(
            "Value", wanted=True, decimals=2,
            hint="Percent, or an amount of money; of free items 100 makes them free",
        ),
        buy_quantity=Whole("Pieces to buy", low=1, high=1000, hint="Of buy some, get some"),
        get_quantity=Whole(
            "Pieces that become cheaper", low=1, high=1000, hint="Of a free item too"
        ),
        cheaper=ThingPicks("What becomes cheaper", THINGS, one="thing", hint="Nothing: any item"),
        bought=ThingPicks(
            "What has to be bought", THINGS, one="thing", hint="Of buy some, get some; nothing: any"
        ),
        minimum_spend=Amount("Items for at least", hint="Empty: any order"),
        stacking=Choice(
            "Beside others", STACKS, wanted=True, default=Stacking.COMBINABLE.value,
            hint="How it goes with other coupons and offers",
        ),
        starts_at=WallTime("From", hint="Empty: at once"),
        ends_at=WallTime("Until", hint="Empty: without end"),
        windows=Lines(
            "Hours of the week", HOURS, one="time",
            hint="Such as Tuesday 09:00 to 12:00; a booking counts at its own time; none: always",
        ),
        **{AT + word: Check(label, default=False) for word, label in CHANNELS},
        first_visit=Check("First visit only", default=False),
        birthday_days=Whole("Days around a birthday", low=0, high=60, hint="0: on the day itself"),
        tag=Pick("Customers tagged", TAGS),
        segment=Pick("Customers of a segment", SEGMENTS, hint="Asked when it is used"),
        max_redemptions=Whole("Uses in all", low=1, high=10_000_000, hint="Empty: any number"),
        max_per_customer=Whole(
            "Uses a customer", low=1, high=10_000, hint="Two files of one person count as one"
        ),
        marketplace_percent=Amount("Borne by the marketplace, percent", decimals=2),
    )  # fmt: skip
    form_sections = (
        ("Offer", ("name", "needs_code", "code", "kind", "value", "buy_quantity", "get_quantity")),
        ("What it is about", ("cheaper", "bought", "minimum_spend", "stacking")),
        ("When", ("starts_at", "ends_at", "windows")),
        ("Only where it is sold", tuple(AT + word for word, _ in CHANNELS)),
        ("For whom", ("first_visit", "birthday_days", "tag", "segment")),
        ("How often", ("max_redemptions", "max_per_customer", MARKETPLACE)),
    )
    commands = (
        Command(
            "codes", "Make codes", code_making.ask_for, lambda c: c.needs_code,
            "The codes are being made.", icon="ticket", action="edit",
            ask=("Make many codes?", "Each is good for one order, and nobody can guess it."),
            inputs=(("wanted", "How many"), ("prefix", "They begin with (optional)")),
            wholes=("wanted",),
        ),
        Command(
            "end", "End it", _switched(on=False), lambda c: c.is_active,
            "It ended: orders that have it keep it.", icon="player-stop", action="edit",
        ),
        Command(
            "go-on", "Let it go on", _switched(on=True), lambda c: not c.is_active,
            "It goes on.", icon="player-play", action="edit",
        ),
    )  # fmt: skip
    stays = "One that was used stays: end it instead."
    empty = declared(
        icon="discount", title="No coupons and offers yet",
        text="Write down what becomes cheaper; give it a code, or let it count by itself.",
    )  # fmt: skip

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By name, or by one of its codes."""
        code = exists().where(
            CouponCode.vendor_id == Coupon.vendor_id, CouponCode.coupon_id == Coupon.id,
            CouponCode.code == func.upper(term.strip()),
        )  # fmt: skip
        return rows.where(or_(contains((Coupon.name,), term), code))

    def status_of(self, record: Any) -> str | None:
        """To come, running, used up or ended."""
        return state(record)

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """What the marketplace bears, only the marketplace says."""
        fields = super().form_fields(record)
        if current_actor().role is not DatabaseRole.ADMIN:
            fields.pop(MARKETPLACE)
        return fields

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The columns, its code, what it is about, and its hours as rows."""
        code = coupon_keeping.main_code(session, record)
        own = {"code", "cheaper", "bought", "windows"}
        shown = {
            name: getattr(record, f"{name}_id" if name in ("tag", "segment") else name)
            for name in self.form_fields(record)
            if name not in own and not name.startswith(AT)
        }
        sold = {AT + word: word in (record.channels or ()) for word, _ in CHANNELS}
        parts = {
            part.value: coupon_fields.shown([t for t in record.targets if t.part == part])
            for part in TargetPart
        }
        return {
            **shown, **parts, **sold, "code": None if code is None else code.code,
            "windows": [dict(one) for one in record.windows or ()],
        }  # fmt: skip

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """The coupon with its code."""
        return coupon_keeping.save(session, **_given(values))

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """The coupon as the form has it."""
        coupon_keeping.save(session, coupon_id=record.id, **_given(values))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """How often it was used, what came of it, and its codes."""
        return coupon_page.around(session, request, record)

    @expose("/codes/{pk}", methods=["GET"])
    @needs("details")
    async def codes(self, request: Request) -> Response:
        """Codes that were made together and can still be used, on sheets to be printed."""
        context = await self.in_transaction(
            coupon_page.sheet, self.number(request.path_params["pk"]), request, worth
        )
        if context is None:
            raise HTTPException(404)
        answer: Response = await self.templates.TemplateResponse(
            request, "panel/code_sheet.html", {"model_view": self, **context}
        )
        return answer

    @expose("/codes/{pk}/progress", methods=["GET"])
    @needs("details")
    async def codes_progress(self, request: Request) -> Response:
        """How far codes that are being made have come."""
        told = await self.in_transaction(
            coupon_page.progress, self.number(request.path_params["pk"])
        )
        if told is None:
            raise HTTPException(404)
        return JSONResponse(told)


def _begun() -> Any:
    return or_(Coupon.starts_at.is_(None), Coupon.starts_at <= clock.now())


def _over() -> Any:
    return Coupon.ends_at.is_not(None) & (Coupon.ends_at <= clock.now())


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The form as the operation takes it."""
    rows: list[Line] = values.pop("windows", None) or []
    channels = [word for word, _ in CHANNELS if values.pop(AT + word, False)]
    bears = values.pop(MARKETPLACE, None)
    if bears is not None:
        values[MARKETPLACE] = bears
    return {
        **values, "windows": [row.values for row in rows],
        "channels": channels or None,
    }  # fmt: skip


class CodeView(HouseView, model=CouponCode):
    """The codes of coupons; reached from a coupon's page."""

    name, name_plural, icon, category = "Code", "Codes", "ti ti-ticket", "Catalogue"
    noun, can_create, can_edit, can_delete = "code", False, False, False
    columns = (
        Col("code", "Code"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("coupon", "Coupon", value=lambda c: c.coupon.name),
        Col("redeemed", "Used", value=_limit, numeric=True),
        Col("held", "In drafts", "number", numeric=True),
        Col("is_active", "Valid", "bool"),
    )
    sorts = declared(newest=Sort(CouponCode.id, descending=True), code=Sort(CouponCode.code))
    search_hint = "Search code"
    filters = (
        of_vendor(CouponCode.vendor_id),
        Related(
            "coupon", "Coupon", CouponCode.coupon_id, icon="discount",
            lookup=COUPONS,
        ),
        Named(
            "state", "State", icon="circle-dot",
            conditions=(
                ("unused", "Not used", lambda: CouponCode.redeemed == 0),
                ("used", "Used", lambda: CouponCode.redeemed > 0),
                ("ended", "Ended", lambda: ~CouponCode.is_active),
            ),
        ),
        Related(
            "batch", "Made together", CouponCode.batch_id, lookup=coupon_page.BATCHES, open=False
        ),
    )  # fmt: skip
    loads = (joinedload(CouponCode.coupon),)
    details_loads = (joinedload(CouponCode.coupon),)
    details = (
        (
            "Code",
            (
                Col("coupon", "Coupon", value=lambda c: coupon_page.link(c.coupon)),
                Col("redeemed", "Used", value=_limit),
                Col("held", "In drafts", "number"),
                Col("is_active", "Valid"),
            ),
        ),
    )
    commands = (
        Command(
            "end", "End this code", code_making.end, lambda c: c.is_active,
            "The code ended: orders that have it keep it.", icon="player-stop", action="edit",
        ),
    )  # fmt: skip

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """The code as it is typed, or its beginning."""
        wanted = "".join(term.split()).upper()
        return rows.where(CouponCode.code.startswith(wanted, autoescape=True))

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: a coupon's page leads here."""
        return False


class RedemptionView(HouseView, model=CouponRedemption):
    """On which orders coupons were used; reached from a coupon's page."""

    name, name_plural, icon, category = "Use", "Uses of coupons", "ti ti-receipt", "Catalogue"
    noun, status_kind = "use", "redemption"
    can_create, can_edit, can_delete, can_view_details = False, False, False, False
    columns = (
        Col("order", "Order", value=lambda r: str(r.order)),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="redemption", css="c-status"),
        Col("coupon", "Coupon", value=lambda r: r.coupon.name),
        Col("code", "Code", value=lambda r: r.code and r.code.code),
        Col("customer", "Customer", value=lambda r: r.customer.name if r.customer else "nobody"),
        Col("channel", "Channel", "word"),
        Col("redeemed_at", "Used", "moment"),
        Col("amount", "Taken off", "money", numeric=True),
    )
    sorts = declared(newest=Sort(CouponRedemption.id, descending=True))
    filters = (
        of_vendor(CouponRedemption.vendor_id),
        Related(
            "coupon", "Coupon", CouponRedemption.coupon_id, icon="discount", lookup=COUPONS
        ),
        OneOf(
            "status", "Status", CouponRedemption.status, icon="circle-dot", words=RedemptionStatus
        ),
        OneOf("channel", "Channel", CouponRedemption.channel, icon="route", words=CHANNELS),
        VendorDays(
            "used", "Used", CouponRedemption.redeemed_at, vendor=CouponRedemption.vendor_id
        ),
    )  # fmt: skip
    loads = tuple(
        joinedload(getattr(CouponRedemption, name))
        for name in ("order", "coupon", "code", "customer")
    )

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: a coupon's page leads here."""
        return False

    def drawn_row(self, record: Any, *around: Any) -> dict[str, Any]:
        """A row leads to its order."""
        url = f"/admin/order/details/{record.order_id}"
        return {**super().drawn_row(record, *around), "url": url}


VIEWS = [CouponView, CodeView, RedemptionView]
