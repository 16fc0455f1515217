"""People on screen: the marketplace's identities behind the vendors' files; admins only."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.lists import Col, Sort
from admin_views.loaders import vendor_names
from models.customers import Customer, Person

MOST_FILES = 50


class PersonView(HouseView, model=Person):
    """One human being behind the files of several vendors."""

    name, name_plural, icon, category = "Person", "People", "ti ti-user-circle", "Vendors"
    can_create = can_edit = can_delete = False
    columns = (
        Col("full_name", "Name", value=str),
        Col("email", "E-mail", "email"),
        Col("phone", "Phone", "phone"),
        Col("created_at", "Known since", "day", sort="newest"),
    )
    sorts = declared(newest=Sort(Person.id, descending=True))
    searched = (Person.email, Person.phone, Person.full_name)
    search_hint = "Search name, e-mail or phone"
    details = (
        (
            "Verified",
            (
                Col("email", "E-mail"),
                Col("phone", "Phone", "phone"),
                Col("created_at", "Known since", "day"),
            ),
        ),
    )

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The files that vendors keep on this person."""
        wanted = select(Customer).where(Customer.person_id == record.id).limit(MOST_FILES)
        files = list(session.scalars(wanted))
        names = vendor_names(session, files)
        rows = [
            {
                "title": c.name,
                "url": request.url_for("admin:details", identity="customer", pk=c.id).path,
                "sub": names.get(c.vendor_id),
                "status": c.status,
            }
            for c in files
        ]
        return {"related": [{"title": "Files at vendors", "rows": rows, "empty": "none yet"}]}


VIEWS = [PersonView]
