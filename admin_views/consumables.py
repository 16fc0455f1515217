"""What services use up on screen; reached from the service's page."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.forms import Pick, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_SERVICES, VARIANTS
from admin_views.parts import Part, of_its_own
from app.errors import REFUSALS, DomainError
from models.products import Variant
from models.stock import Consumable

MOST_PIECES = 1000


class UsedUpAlready(DomainError):
    sentence = "The service uses this up already: change how much there."
    field = "variant"


class StockNotCounted(DomainError):
    sentence = "The stock of {variant} is not counted: switch that on at its product first."
    field = "variant"


REFUSALS["uq_consumables_vendor_id_service_id_variant_id"] = UsedUpAlready


class ConsumableView(HouseView, model=Consumable):
    """How many of what a booking of a service uses up."""

    name, name_plural, icon = "Consumable", "What services use up", "ti ti-droplet"
    category, noun = "Catalogue", "consumable"
    columns = (
        Col("variant", "What", value=lambda c: str(c.variant)),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("service", "Service", value=lambda c: c.service.name),
        Col("quantity", "Pieces", "number", numeric=True),
    )
    sorts = declared(newest=Sort(Consumable.id, descending=True))
    loads = (
        joinedload(Consumable.service),
        joinedload(Consumable.variant).joinedload(Variant.product),
    )
    filters = (of_vendor(Consumable.vendor_id),)
    details = (
        (
            "Used up",
            (
                Col("service", "By the service", value=lambda c: c.service.name),
                Col("variant", "What", value=lambda c: str(c.variant)),
                Col("quantity", "Pieces", "number"),
            ),
        ),
    )
    fields = declared(
        service=Pick("Service", ALL_SERVICES, wanted=True),
        variant=Pick("What it uses up", VARIANTS, wanted=True, hint="What has its stock counted"),
        quantity=Whole(
            "Pieces", low=1, high=MOST_PIECES, wanted=True, default=1, hint="For each booking"
        ),
    )
    stays = "The service uses it up no more; what was used stays in the ledger."

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: a service's page leads here."""
        return False

    def title_of(self, record: Any) -> str:
        """2 × Dye, red."""
        return str(record)

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """Whose it is and what is used stands; how many can change."""
        return of_its_own(super().form_fields(record), record, ("quantity",))

    def create_record(self, session: Session, values: dict[str, Any], *more: Any) -> Any:
        """What is used up, if its stock is counted."""
        query = select(Variant).where(Variant.id == values["variant_id"])
        variant = session.scalars(query.options(joinedload(Variant.product))).one()
        if not variant.tracks_stock:
            raise StockNotCounted(variant=str(variant))
        return super().create_record(session, values, *more)


def _pieces(row: Any) -> dict[str, Any]:
    left = f"{row.variant.available:,} to be had" if row.variant.tracks_stock else "not counted"
    return {"title": str(row.variant), "sub": left, "amount": f"{row.quantity} ×"}


USES_UP = Part(
    "What it uses up", Consumable, Consumable.service_id, "consumable", "service", _pieces,
    (joinedload(Consumable.variant).joinedload(Variant.product),), "nothing",
)  # fmt: skip

VIEWS = [ConsumableView]
