"""What is changed on a customer's page, in place: every command is a POST and an operation.

A refusal of something typed opens its dialog again with what was typed and the sentence at its
field; any other refusal is said in a toast.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.customer_side import CHANNELS, PURPOSES, may
from admin_views.forms import moment_of, read_wall
from admin_views.loaders import Customers, Lookup, record_id, typed, without_control
from admin_views.lookups import CATEGORIES, COUNTRIES
from admin_views.order_money_commands import amount_of
from admin_views.rendering import say, word
from admin_views.saving import saving_for, sentence_of, writing
from app.errors import ChangedMeanwhile, DomainError, NotFound
from app.operations import (
    correspondence,
    credit,
    customers,
    forgetting,
    reaching,
    suppressions,
    tags,
    tasks,
    unsubscribing,
)
from models.customers import Address, Customer, PreferredCategory

Change = Callable[[Session], Any]
Typed = dict[str, str]
CONTACT = ("full_name", "company", "phone", "phone_2", "email", "birthday", "reference", "note")
ADDRESS = reaching.ADDRESS_FIELDS
LONGEST = 25_000
LOOKUPS: Mapping[str, tuple[str, Lookup]] = {
    "customer": ("list", Customers()),
    "category": ("edit", CATEGORIES),
    "country": ("edit", COUNTRIES),
}


async def fields(request: Request, *names: str) -> Typed:
    """The named fields of a form, as text; what is missing is empty."""
    form = await request.form(max_files=0, max_fields=100, max_part_size=200_000)
    found = {}
    for name in names:
        value = form.get(name, "")
        found[name] = without_control(value)[:LONGEST] if isinstance(value, str) else ""
    return found


class CustomerCommands(HouseView):
    """The commands of `CustomerView`."""

    async def changed(self, number: int, change: Change) -> Any:
        """Run a change for the customer's vendor; who is out of sight is not there."""

        def run() -> Any:
            with writing(Customer, number) as session:
                return change(session)

        try:
            return await anyio.to_thread.run_sync(run)
        except NotFound:
            raise HTTPException(404) from None
        except (DomainError, HTTPException):
            raise
        except Exception as error:
            raise sentence_of(error) from error

    async def at_once(
        self, request: Request, change: Change, done: str, *, undo: str = "", **undo_fields: str
    ) -> Response:
        """Do it and say so, or say why not; back to the page either way."""
        number = self.number(request.path_params["pk"])
        try:
            await self.changed(number, change)
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
        else:
            say(request, done, undo_url=undo, **undo_fields)
        return self.page_again(number)

    async def from_dialog(
        self, request: Request, dialog: str, values: Typed, change: Change, done: str
    ) -> Response:
        """The same for a dialog, which stays open with what was typed when it is refused."""
        number = self.number(request.path_params["pk"])
        try:
            await self.changed(number, change)
        except DomainError as refusal:
            errors = {refusal.field: str(refusal)} if refusal.field in values else {}
            error = "" if errors else str(refusal)
            request.state.customer_dialog = {
                "open": dialog, "typed": values, "errors": errors, "error": error,
            }  # fmt: skip
            return await self.details_again(request)
        say(request, done)
        return self.page_again(number)

    async def details_again(self, request: Request) -> Response:
        """The page as it stands, after a refusal."""
        context = await self.details_context(request)
        model = await self.get_object_for_details(request)
        context = {**context, "model_view": self, "model": model}
        response: Response = await self.templates.TemplateResponse(
            request, self.details_template, context, status_code=400
        )
        return response

    def page_again(self, number: int) -> Response:
        """The customer's page."""
        return RedirectResponse(f"/admin/customer/details/{number}", 303)

    # ---- status and tags -------------------------------------------------------------------

    @expose("/{pk}/status", methods=["POST"])
    @needs("edit")
    async def move_status(self, request: Request) -> Response:
        """Say where a customer stands; the toast offers the way back."""
        number = self.number(request.path_params["pk"])
        status = (await fields(request, "status"))["status"]
        before: list[str] = []

        def change(session: Session) -> None:
            known = session.get(Customer, number)
            before.append(known.status if known else "")
            customers.set_status(session, customer_id=number, status=status)

        try:
            await self.changed(number, change)
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
        else:
            undo = f"/admin/customer/{number}/status" if before[-1] != status else ""
            say(request, f"The status is {word(status).lower()}.", undo_url=undo, status=before[-1])
        return self.page_again(number)

    @expose("/{pk}/tag", methods=["POST"])
    @needs("tags")
    async def add_tag(self, request: Request) -> Response:
        """Put a tag on."""
        number = self.number(request.path_params["pk"])
        name = (await fields(request, "name"))["name"]
        shown = " ".join(name.split())[:40]
        return await self.at_once(
            request, lambda s: tags.add(s, customer_id=number, name=name),
            f"Tagged “{shown}”.", undo=f"/admin/customer/{number}/untag", name=shown,
        )  # fmt: skip

    @expose("/{pk}/untag", methods=["POST"])
    @needs("tags")
    async def remove_tag(self, request: Request) -> Response:
        """Take a tag off."""
        number = self.number(request.path_params["pk"])
        name = (await fields(request, "name"))["name"] or request.query_params.get("name", "")
        name = without_control(name)[:200]
        return await self.at_once(
            request, lambda s: tags.remove(s, customer_id=number, name=name),
            f"The tag “{name[:40]}” is off.", undo=f"/admin/customer/{number}/tag", name=name,
        )  # fmt: skip

    # ---- notes and calls -------------------------------------------------------------------

    @expose("/{pk}/log", methods=["POST"])
    @needs("edit")
    async def log(self, request: Request) -> Response:
        """Write down a note; the toast offers the way back."""
        number = self.number(request.path_params["pk"])
        values = await fields(request, "text")
        made: list[int] = []

        def change(session: Session) -> None:
            made.append(tasks.log(session, customer_id=number, text=values["text"]).id)

        try:
            await self.changed(number, change)
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
        else:
            undo = f"/admin/task/remove/{made[-1]}" if may("delete", "task") else ""
            say(request, "The note is added.", undo_url=undo)
        return self.page_again(number)

    @expose("/{pk}/talk", methods=["POST"])
    @needs("edit")
    async def log_talk(self, request: Request) -> Response:
        """Write down a call or a letter, or what the customer wrote back."""
        number = self.number(request.path_params["pk"])
        values = await fields(request, "what", "at", "body")
        direction, _, channel = values["what"].partition(".")

        def change(session: Session) -> None:
            correspondence.log(
                session, customer_id=number, channel=channel, text=values["body"],
                inbound=direction == "in", at=_wall_moment(session, values["at"]),
            )  # fmt: skip

        return await self.from_dialog(request, "talk", values, change, "It is written down.")

    # ---- contact and addresses -------------------------------------------------------------

    @expose("/{pk}/contact", methods=["POST"])
    @needs("edit")
    async def change_contact(self, request: Request) -> Response:
        """Name, phones, e-mail, birthday and note, unless somebody changed them meanwhile."""
        number = self.number(request.path_params["pk"])
        values = await fields(request, *CONTACT, "seen")
        seen = values["seen"]

        def change(session: Session) -> None:
            known = {n: values[n] for n in CONTACT}
            customers.change(session, customer_id=number, seen=_moment(seen), **known)

        return await self.from_dialog(request, "contact", values, change, "The contact is saved.")

    @expose("/{pk}/address", methods=["POST"])
    @needs("edit")
    async def save_address(self, request: Request) -> Response:
        """A new address, or another one corrected."""
        number = self.number(request.path_params["pk"])
        values = await fields(request, *ADDRESS, "country_text", "id")
        which = record_id(values["id"])
        known = {name: values[name] for name in ADDRESS}

        def change(session: Session) -> None:
            if values["id"] and not _is_own(session, which, number):
                raise NotFound
            if which:
                reaching.change_address(session, address_id=which, **known)
            else:
                reaching.add_address(session, customer_id=number, **known)

        dialog = f"address-{which or 'new'}"
        return await self.from_dialog(request, dialog, values, change, "The address is saved.")

    @expose("/{pk}/address/remove", methods=["POST"])
    @needs("edit")
    async def remove_address(self, request: Request) -> Response:
        """Strike an address out."""
        number = self.number(request.path_params["pk"])
        which = record_id((await fields(request, "id"))["id"])

        def change(session: Session) -> None:
            if which is None or not _is_own(session, which, number):
                raise NotFound
            reaching.remove_address(session, address_id=which)

        return await self.at_once(request, change, "The address is removed.")

    # ---- consents and preferences ----------------------------------------------------------

    @expose("/{pk}/consents", methods=["POST"])
    @needs("edit")
    async def change_consents(self, request: Request) -> Response:
        """Write down what was decided anew; what stays as it was is not written again."""
        number = self.number(request.path_params["pk"])
        names = {f"{c}-{p}": (c.value, p.value) for c, _ in CHANNELS for p, _ in PURPOSES}
        posted = await fields(request, *names, "proof")

        def change(session: Session) -> None:
            known = reaching.in_force(session, customer_id=number)
            for name, key in names.items():
                said = {"yes": True, "no": False}.get(posted[name])
                if said is None or (key in known and known[key].granted is said):
                    continue
                reaching.consent(
                    session, customer_id=number, channel=key[0], purpose=key[1], granted=said,
                    source="panel", proof=posted["proof"] or None,
                )  # fmt: skip

        return await self.from_dialog(request, "consents", posted, change, "The consent is noted.")

    @expose("/{pk}/preferences", methods=["POST"])
    @needs("edit")
    async def change_preferences(self, request: Request) -> Response:
        """How and when they like to be reached."""
        number = self.number(request.path_params["pk"])
        values = await fields(request, "channel", "push_address", "quiet_from", "quiet_until")

        def change(session: Session) -> None:
            reaching.prefer(
                session, customer_id=number, channel=values["channel"] or None,
                push_address=values["push_address"] or None,
                quiet_from=_hour(values["quiet_from"], "quiet_from"),
                quiet_until=_hour(values["quiet_until"], "quiet_until"),
            )  # fmt: skip

        done = "The preferences are saved."
        return await self.from_dialog(request, "preferences", values, change, done)

    @expose("/{pk}/reach", methods=["POST"])
    @needs("edit")
    async def try_address_again(self, request: Request) -> Response:
        """Write again to an address of theirs at which nothing arrived."""
        number = self.number(request.path_params["pk"])
        which = record_id((await fields(request, "address"))["address"])

        def change(session: Session) -> None:
            customer = customers.living(session, number)
            known = unsubscribing.reached_by(session, customer)
            own = {one.suppression_id for one in suppressions.unreached(session, customer, known)}
            if which is None or which not in own:
                raise NotFound
            suppressions.try_again(session, suppression_id=which)

        return await self.at_once(request, change, "Messages go to this address again.")

    @expose("/{pk}/likes", methods=["POST"])
    @needs("edit")
    async def change_likes(self, request: Request) -> Response:
        """A category they like to hear about: one more (`add`), or one less (`remove`)."""
        number = self.number(request.path_params["pk"])
        posted = await fields(request, "add", "remove")
        more, less = record_id(posted["add"]), record_id(posted["remove"])
        if more is None and less is None:
            say(request, "No category was chosen: choose one from the list.", tone="danger")
            return self.page_again(number)

        def change(session: Session) -> None:
            liked = select(PreferredCategory.category_id).where(
                PreferredCategory.customer_id == number
            )
            kept = set(session.scalars(liked)) - {less} | ({more} if more else set())
            reaching.prefer_categories(
                session, customer_id=number, category_ids=sorted(k for k in kept if k)
            )

        return await self.at_once(request, change, "The preferred categories are saved.")

    # ---- store credit ----------------------------------------------------------------------

    @expose("/{pk}/credit", methods=["POST"])
    @needs("credit")
    async def change_credit(self, request: Request) -> Response:
        """Give store credit, or take away what was given by mistake; the reason is kept."""
        number = self.number(request.path_params["pk"])
        values = await fields(request, "do", "amount", "reason")
        takes = values["do"] == "take"

        def change(session: Session) -> None:
            amount = amount_of(values, "amount")
            if amount is None:
                raise credit.NoCredit
            verb = credit.take if takes else credit.give
            verb(session, customer_id=number, amount=amount, reason=values["reason"])

        done = "The store credit is taken away." if takes else "The store credit is given."
        return await self.from_dialog(request, "credit", values, change, done)

    # ---- the file itself -------------------------------------------------------------------

    @expose("/{pk}/archive", methods=["POST"])
    @needs("delete")
    async def archive(self, request: Request) -> Response:
        """Put the file away; the toast offers the way back."""
        number = self.number(request.path_params["pk"])
        undo = f"/admin/customer/{number}/restore"
        change = lambda s: customers.archive(s, customer_id=number)  # noqa: E731
        return await self.at_once(request, change, "The customer is archived.", undo=undo)

    @expose("/{pk}/restore", methods=["POST"])
    @needs("delete")
    async def restore(self, request: Request) -> Response:
        """Take the file out of the archive."""
        number = self.number(request.path_params["pk"])
        change = lambda s: customers.restore(s, customer_id=number)  # noqa: E731
        return await self.at_once(request, change, "The customer is back.")

    @expose("/{pk}/forget", methods=["POST"])
    @needs("forget")
    async def forget(self, request: Request) -> Response:
        """Forget who it was, for good; only who wrote the word meant it."""
        number = self.number(request.path_params["pk"])
        if (await fields(request, "sure"))["sure"].strip().lower() != "forget":
            say(request, "Nothing was forgotten: write “forget” to go on.", tone="danger")
            return self.page_again(number)
        change = lambda s: forgetting.forget(s, customer_id=number)  # noqa: E731
        return await self.at_once(request, change, "The customer is forgotten for good.")

    # ---- look-ups --------------------------------------------------------------------------

    @expose("/lookup/{noun}", methods=["GET"])
    @needs("list")
    async def look_up(self, request: Request) -> Response:
        """At most ten customers, categories or countries for what is typed."""
        action, lookup = LOOKUPS.get(request.path_params["noun"], ("", None))
        if lookup is None or not self.has_permission(request, action):
            raise HTTPException(404)
        term = typed(request.query_params.get("term"))
        found = await self.in_transaction(lookup.search, term)
        return JSONResponse({"results": found[:10]})


def _moment(text: str) -> datetime:
    """The version that the person saw; one that cannot be read is an old one."""
    try:
        seen = datetime.fromisoformat(text)
    except ValueError:
        raise ChangedMeanwhile from None
    if seen.tzinfo is None:
        raise ChangedMeanwhile
    return seen


def _wall_moment(session: Session, text: str) -> datetime | None:
    """What was typed as a moment, by the vendor's clocks; None for nothing."""
    if not text.strip():
        return None
    try:
        return moment_of(read_wall(text.strip()), saving_for(session), "at")
    except ValueError as error:
        raise DomainError(str(error), field="at") from None


def _hour(text: str, field: str) -> time | None:
    if not text.strip():
        return None
    try:
        return time.fromisoformat(text.strip()).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise DomainError("This is no time: write it like 20:00.", field=field) from None


def _is_own(session: Session, address_id: int | None, customer_id: int) -> bool:
    """Whether the address is this customer's."""
    if address_id is None:
        return False
    wanted = select(Address.id).where(Address.id == address_id, Address.customer_id == customer_id)
    return session.scalar(wanted) is not None
