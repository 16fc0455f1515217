"""Payments taken, money given back, goods taken back, on an order's page: a POST each."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.forms import read_amount, read_whole
from admin_views.loaders import record_id
from admin_views.own_pages import read_fields
from admin_views.rendering import money, say
from admin_views.saving import sentence_of, writing
from app.errors import DomainError, NotFound
from app.money import decimals_of
from app.operations import payments, refunds, returns
from app.settings import settings
from models.orders import Order
from models.payments import Refund, Tender

Form = Mapping[str, str]
Change = Callable[[Session], str]


class OrderMoney(HouseView):
    """The commands of `OrderView` that move money or bring goods back."""

    @expose("/{pk}/pay", methods=["POST"])
    @needs("pay")
    async def pay(self, request: Request) -> Response:
        """Take a payment."""
        form, number = await read_fields(request, 20), self.number(request.path_params["pk"])

        def change(session: Session) -> str:
            taken = payments.charge(
                session, order_id=number, tender=_tender(form.get("tender")) or Tender.CASH,
                amount=amount_of(form, "amount"), tendered=amount_of(form, "tendered"),
                reference=form.get("reference"), request_key=key_of(form),
            )  # fmt: skip
            change = payments.change_of(taken)
            back = f" {money(change)} change." if change else ""
            return f"{money(taken.amount)} is taken.{back}"

        return await self.done(request, number, "pay", form, change)

    @expose("/{pk}/refund", methods=["POST"])
    @needs("refund")
    async def refund(self, request: Request) -> Response:
        """Give money back."""
        form, number = await read_fields(request, 600), self.number(request.path_params["pk"])

        def change(session: Session) -> str:
            lines = by_line(form, "line", amount_of)
            given = refunds.give(
                session, order_id=number, reason=form.get("reason", ""), lines=lines,
                amount=amount_of(form, "amount") if lines else _wanted(form),
                payment_id=_payment(form),
                tender=_tender(form.get("tender")), request_key=key_of(form),
            )  # fmt: skip
            return _said(given)

        return await self.done(request, number, "refund", form, change)

    @expose("/{pk}/return", methods=["POST"])
    @needs("return")
    async def take_back(self, request: Request) -> Response:
        """Write down what a customer wants to give back; on to the return."""
        form, number = await read_fields(request, 1200), self.number(request.path_params["pk"])
        made: list[int] = []

        def change(session: Session) -> str:
            wanted = by_line(form, "line", pieces_of)
            asked = [
                returns.Asked(line_id, pieces, form.get(f"why-{line_id}") or form.get("why", ""))
                for line_id, pieces in wanted.items()
            ]
            back = returns.ask(session, order_id=number, lines=asked, note=form.get("note"))
            made.append(back.id)
            return f"{back} is written down: receive it when the goods are here."

        answer = await self.done(request, number, "return", form, change)
        if made and answer.status_code == 303:
            return RedirectResponse(f"/admin/product-return/details/{made[0]}", 303)
        return answer

    async def done(
        self, request: Request, number: int, dialog: str, form: Form, change: Change
    ) -> Response:
        """Do it and say so; refused, the dialog stays open with what was typed."""

        def run() -> str:
            with writing(Order, number) as session:
                return change(session)

        try:
            sentence = await anyio.to_thread.run_sync(run)
        except NotFound:
            raise HTTPException(404) from None
        except HTTPException:
            raise
        except Exception as error:
            refusal = sentence_of(error)
            request.state.order_dialog = refused(dialog, form, refusal)
            return await self.drawn_again(request)
        say(request, sentence)
        return RedirectResponse(f"/admin/order/details/{number}", 303)

    async def drawn_again(self, request: Request) -> Response:
        """The page as it stands, after a refusal."""
        context = await self.details_context(request)
        model = await self.get_object_for_details(request)
        context = {**context, "model_view": self, "model": model}
        answer: Response = await self.templates.TemplateResponse(
            request, self.details_template, context, status_code=400
        )
        return answer


def refused(dialog: str, form: Form, refusal: DomainError) -> dict[str, Any]:
    """What a dialog shows after a refusal: at its field, or on top of it."""
    name = (refusal.field or "").removesuffix("_id").replace("lines.", "line-")
    errors = {name: str(refusal)} if name in form else {}
    error = "" if errors else str(refusal)
    return {"open": dialog, "typed": form, "errors": errors, "error": error}


def amount_of(form: Form, name: str) -> Decimal | None:
    """An amount that was typed; None for nothing."""
    text = form.get(name, "")
    if not text:
        return None
    try:
        return read_amount(text, decimals_of(settings().currency))
    except ValueError as error:
        raise DomainError(str(error), field=name) from None


def pieces_of(form: Form, name: str) -> int | None:
    """A number of pieces that was typed; None for nothing."""
    text = form.get(name, "")
    if not text:
        return None
    try:
        return read_whole(text, 0, 1_000_000) or None
    except ValueError as error:
        raise DomainError(str(error), field=name) from None


def by_line(form: Form, name: str, read: Callable[[Form, str], Any]) -> dict[int, Any]:
    """What was typed at lines, by their ids: `line-7` is line 7; nothing typed is left out."""
    found = {}
    for field in form:
        word, _, number = field.partition("-")
        line_id = record_id(number) if word == name else None
        if line_id is not None and (value := read(form, field)) is not None:
            found[line_id] = value
    return found


def key_of(form: Form) -> UUID | None:
    """The key that the form was drawn with, by which a repeat is known; what is none is refused."""
    try:
        return UUID(form["key"]) if form.get("key") else None
    except ValueError:
        raise DomainError("This form is not whole: reload the page and try again.") from None


def _tender(text: str | None) -> Tender | None:
    if not text:
        return None
    found = next((tender for tender in Tender if tender == text), None)
    if found is None:
        raise payments.NotATender
    return found


def _wanted(form: Form) -> Decimal:
    """Without lines the amount has to be said: nobody gives all back by an empty field."""
    wanted = amount_of(form, "amount")
    if wanted is None:
        raise refunds.NothingToRefund("Write how much is given back, or for which lines.")
    return wanted


def _payment(form: Form) -> int | None:
    text = form.get("payment")
    if not text:
        return None
    number = record_id(text)
    if number is None:
        raise NotFound
    return number


def _said(given: list[Refund]) -> str:
    total = money(sum((refund.amount for refund in given), Decimal(0)))
    waits = any(refund.tender == Tender.GATEWAY for refund in given)
    return f"{total} is on its way back." if waits else f"{total} is given back."
