"""The services of a package on screen; reached from the package's page."""

from typing import Any

from sqlalchemy.orm import joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.forms import Pick, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_PACKAGES, SERVICES
from admin_views.parts import Part, of_its_own
from app.errors import REFUSALS, DomainError
from models.packages import PackageService


class ForItAlready(DomainError):
    sentence = "The package is for this service already: change how often there."
    field = "service"


REFUSALS["uq_package_services_vendor_id_package_id_service_id"] = ForItAlready


class PackageServiceView(HouseView, model=PackageService):
    """A service that a package pays for, such as a test of a check-up."""

    name, name_plural, icon = "Service of a package", "Services of packages", "ti ti-test-pipe"
    category, noun = "Catalogue", "service"
    columns = (
        Col("service", "Service", value=lambda s: s.service.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("package", "Package", value=lambda s: s.package.name),
        Col("most", "At most", "number", numeric=True),
    )
    sorts = declared(newest=Sort(PackageService.id, descending=True))
    loads = (joinedload(PackageService.service), joinedload(PackageService.package))
    filters = (of_vendor(PackageService.vendor_id),)
    details = (
        (
            "Service",
            (
                Col("package", "Package", value=lambda s: s.package.name),
                Col("service", "Service", value=lambda s: s.service.name),
                Col("most", "At most", "number"),
            ),
        ),
    )
    fields = declared(
        package=Pick("Package", ALL_PACKAGES, wanted=True),
        service=Pick("Service", SERVICES, wanted=True),
        most=Whole(
            "At most", low=1, high=1000, hint="Of the package's uses; empty: as many as there are"
        ),
    )
    stays = "The package pays for it no more; what was used stays in the ledger."

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: a package's page leads here."""
        return False

    def title_of(self, record: Any) -> str:
        """Blood count, at most 1."""
        return str(record)

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """What it is and whose stands; how often can change."""
        return of_its_own(super().form_fields(record), record, ("most",))


def _paid_for(row: PackageService) -> dict[str, Any]:
    often = "as often as there are uses" if row.most is None else f"at most {row.most}"
    return {"title": row.service.name, "sub": often, "icon": "test-pipe"}


PAYS_FOR = Part(
    "Pays for", PackageService, PackageService.package_id, "package-service", "package", _paid_for,
    (joinedload(PackageService.service),),
    "the service above alone, or any; add services for a check-up of several tests",
)  # fmt: skip

VIEWS = [PackageServiceView]
