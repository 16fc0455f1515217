"""One row in every table that a vendor owns: what laws of tenancy and audit are tried on."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from models.customers import CustomerMerge, PreferredCategory
from models.figures import Figures
from models.vendors import Counter
from tests import make
from tests.laws.schema import COUNTED, TENANT

FIGURES = sorted(Figures.__subclasses__(), key=str)


@dataclass(frozen=True)
class World:
    """Two vendors with a row in every table each."""

    mine: int
    theirs: int


def full_vendor(session: Session, vendor_id: int, category_id: int, user_id: int) -> None:
    """A row in every table of the vendor, made as the marketplace."""
    home = {"vendor_id": vendor_id}
    customer, other = make.customer(session, **home), make.customer(session, **home)
    staff, variant = make.staff_member(session, **home), make.variant(session, **home)
    make.address(session, customer=customer)
    make.consent(session, customer=customer)
    make.preference(session, customer=customer)
    make.customer_tag(session, customer=customer, tag=make.tag(session, **home))
    make.interest(session, customer=customer)
    make.task(session, customer=customer, assignee_id=staff.id)
    make.usage(session, customer=customer)  # and the interest above has made a stale one
    make.item_pair(session, **home)
    _scored(session, home, customer)
    coupon = make.coupon(session, **home)
    make.code_batch(session, coupon=coupon)
    make.coupon_target(session, coupon=coupon, variant_id=variant.id)
    booking = make.booking(session, customer=customer, staff=staff)
    _bookable(session, home, customer, staff, booking)
    holding = make.holding(session, customer=customer)
    make.package_service(session, package=holding.package, service=booking.service)
    membership = make.membership(session, customer=customer)
    order = make.order(session, customer=customer, variant=variant)
    _sold(session, home, customer, order, booking)
    _told(session, home, customer, order, booking)
    _entitled(session, membership, booking, order)
    _thanked(session, home, customer, order, booking, category_id)
    make.coupon_redemption(session, coupon=coupon, order=order, customer_id=customer.id)
    make.saved_view(session, **home)
    make.report_run(session, **home)
    make.custom_report(session, **home)
    make.bulk_row(session, job=make.bulk_job(session, **home), customer=customer)
    segment = make.segment(session, **home)
    make.segment_membership(session, segment=segment, customer=customer)
    make.segment_day(session, segment=segment)
    make.coupon(session, segment_id=segment.id, **home)
    run = make.campaign_run(session, campaign=make.campaign(session, segment=segment))
    make.campaign_row(session, run=run, customer=customer)
    job = make.import_job(session, **home)
    make.import_row(session, job=job, customer_id=customer.id)
    make.staged_row(session, job=job)
    for staged in (
        make.staged_sale, make.staged_buyer, make.staged_item, make.staged_order,
        make.staged_refund, make.import_made,
    ):  # fmt: skip
        staged(session, job=job)
    make.outbox_message(session, **home)
    make.suppression(session, **home)
    for figures in FIGURES:
        make.figures(session, figures, **home)
    make.stale_day(session, **home)
    user = make.user(session)
    make.vendor_user(session, user=user, **home)
    make.api_token(session, user_id=user_id, **home)
    merge: dict[str, Any] = {"before": {}, "moved": {}}
    session.add_all(
        [
            Counter(series=f"series {make.number()}", **home),
            CustomerMerge(survivor_id=customer.id, merged_id=other.id, **merge, **home),
            PreferredCategory(customer_id=customer.id, category_id=category_id, **home),
        ]
    )
    session.flush()
    for table in TENANT:
        rows = select(table.c.vendor_id).where(table.c.vendor_id == vendor_id)
        assert session.scalars(rows).first() is not None, f"make a row of {table} here"


def _scored(session: Session, home: dict[str, int], customer: Any) -> None:
    make.customer_month(session, customer=customer)
    make.score(session, customer=customer)
    for figure in (
        make.cohort_figure, make.score_figure, make.segment_move, make.reach_figure,
        make.score_model,
    ):  # fmt: skip
        figure(session, **home)


def _entitled(session: Session, membership: Any, booking: Any, order: Any) -> None:
    line, service = order.lines[0], booking.service
    make.plan_benefit(session, plan=membership.plan, product_id=line.variant.product_id)
    included = make.plan_benefit(
        session, plan=membership.plan, kind="included", uses=2, service_id=service.id
    )
    sold = make.membership_period(
        session, membership=membership, number=2, kind="sold", order_id=order.id
    )
    make.included_use(session, period=sold, benefit=included, order_line_id=line.id)
    make.included_use(session, period=sold, benefit=included, booking_id=booking.id)


def _bookable(session: Session, home: dict[str, int], customer: Any, staff: Any, one: Any) -> None:
    service, resource = make.service(session, **home), make.resource(session, **home)
    make.staff_service(session, service=service, staff=staff)
    make.service_resource(session, service=service, resource=resource)
    make.working_hours(session, staff=staff)
    make.working_hours(session, service_id=service.id, **home)
    make.time_off(session, staff=staff)
    make.policy(session, service_id=service.id, **home)
    make.claim(session, resource=resource, booking=one)
    session_ = make.class_session(session, staff=staff)
    make.claim(
        session, resource=resource, booking=session_, booking_id=None, class_session_id=session_.id
    )
    series = make.series(session, customer=customer, service=service, staff_id=staff.id)
    make.booking(
        session, customer=customer, service=session_.service, kind="class",
        class_session_id=session_.id, series_id=series.id, series_number=1,
    )  # fmt: skip
    make.waitlist_entry(
        session, customer=customer, service=service, staff_id=staff.id,
        class_session_id=session_.id, booking_id=one.id, status="booked",
    )  # fmt: skip
    make.feed(session, staff=staff)
    make.feed(session, staff=staff, staff_id=None, customer_id=customer.id)


def _sold(session: Session, home: dict[str, int], customer: Any, order: Any, booking: Any) -> None:
    taxed = make.tax_class(session, is_default=True, **home)
    make.tax_rate(session, tax_class=taxed)
    courier = make.shipping_method(session, tax_class_id=taxed.id, **home)
    variant = make.variant(session, tax_class_id=taxed.id, **home)
    make.picture(session, product=variant.product)
    make.service(session, tax_class_id=taxed.id, **home)
    make.package(session, tax_class_id=taxed.id, **home)
    make.plan(session, tax_class_id=taxed.id, **home)
    other = make.order(
        session, customer=customer, variant=variant, shipping_method_id=courier.id
    )  # fmt: skip
    make.order_line(
        session, order=other, kind="service", service_id=booking.service_id, booking_id=booking.id
    )
    payment = make.payment(session, order=order)
    back = make.product_return(session, order=order)
    refund = make.refund(session, payment=payment, return_id=back.id)
    make.refund_line(session, refund=refund, line=order.lines[0])
    make.gateway_event(session, payment=payment, refund_id=refund.id)
    make.credit_entry(session, customer=customer, payment_id=payment.id)
    make.credit_entry(session, customer=customer, refund_id=refund.id)
    make.shipment(session, order=order)
    move = make.stock_move(
        session, variant=variant, order_line_id=order.lines[0].id, booking_id=booking.id,
        return_line_id=back.lines[0].id,
    )  # fmt: skip
    make.consumable(session, service=booking.service, variant=move.variant)
    invoice = make.invoice(session, order=order)
    make.invoice(
        session, order=order, kind="credit_note", refund_id=refund.id, corrects_id=invoice.id
    )
    cover = make.cover(session, line=order.lines[0], customer_id=customer.id)
    make.cover(
        session, order_line_id=None, booking_id=booking.id, kind="guarantee",
        replaces_id=cover.id, **home,
    )  # fmt: skip
    make.warranty_claim(session, cover=cover, order_id=other.id, booking_id=booking.id)


def _told(session: Session, home: dict[str, int], customer: Any, order: Any, booking: Any) -> None:
    template = make.message_template(session, **home)
    make.message_rule(
        session, service_id=booking.service_id, template_id=template.id,
        assignee_id=make.staff_member(session, **home).id,
        plan_id=make.plan(session, **home).id, **home,
    )  # fmt: skip
    first = make.task(session, customer=customer, key=f"rule:{make.number()}")
    make.task(
        session, customer=customer, booking_id=booking.id, order_id=order.id, after_id=first.id
    )
    version = make.template_version(session, template=template, number=2)
    make.message(
        session, customer=customer, template_id=template.id, template_version_id=version.id,
        booking_id=booking.id, order_id=order.id, key=f"key {make.number()}",
        membership_id=make.membership(session, customer=customer).id,
        holding_id=make.holding(session, customer=customer).id,
        task_id=make.task(session, customer=customer).id,
    )  # fmt: skip


def _thanked(
    session: Session, home: dict[str, int], customer: Any, order: Any, booking: Any, category: int
) -> None:
    program = make.program(session, **home)
    tier, lower = (make.tier(session, program=program) for _ in range(2))
    about = {"service_id": booking.service_id}, {"category_id": category}
    for fields in (*about, {"product_id": order.lines[0].variant.product_id}):
        make.loyalty_rule(session, program=program, **fields)
    make.reward(session, program=program, kind="service", service_id=booking.service_id)
    make.reward(
        session, program=program, kind="product", product_id=order.lines[0].variant.product_id
    )
    account = make.account(
        session, program=program, customer=customer, tier_id=tier.id, tier_since=make.NOON,
        qualified_at=make.NOON, tier_until=make.NOON,
    )  # fmt: skip
    reward = make.reward(session, program=program)
    used = make.redemption(session, account=account, reward=reward, order=order)
    lot = make.lot(session, account=account, order_id=order.id, booking_id=booking.id)
    make.loyalty_entry(
        session, account=account, points=-1, lot_id=lot.id, order_id=order.id,
        booking_id=booking.id, redemption_id=used.id,
    )  # fmt: skip
    make.tier_change(session, account=account, tier_id=tier.id, was_id=lower.id)


def copy_of(row: dict[str, Any], table: Table, **changed: Any) -> Any:
    """An INSERT of the same values, ids apart, with some of them changed."""
    computed = {c.name for c in table.c if c.computed is not None or c.identity is not None}
    computed |= {*COUNTED.get(table.name, ())}
    values = {name: value for name, value in row.items() if name not in computed}
    return insert(table).values(**values | changed)
