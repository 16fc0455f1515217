"""What is booked: services, who does them, when and where."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.feeds import CalendarFeed
from models.policies import CancellationPolicy
from models.resources import Resource, ServiceResource
from models.schedules import TimeOff, WorkingHours
from models.services import Service, StaffService
from models.staff import StaffMember
from tests.make.rows import NOON, number, of_vendor, saved


def service(session: Session, **fields: Any) -> Service:
    values = {"name": f"Service {number()}", "price": Decimal("40.00"), "duration_minutes": 60}
    return saved(session, Service(**values | fields))


def staff_member(session: Session, **fields: Any) -> StaffMember:
    return saved(session, StaffMember(**{"name": f"Staff {number()}"} | fields))


def staff_service(
    session: Session, *, service: Service, staff: StaffMember, **fields: Any
) -> StaffService:
    row = StaffService(service_id=service.id, staff_id=staff.id, **of_vendor(fields, service))
    return saved(session, row)


def resource(session: Session, **fields: Any) -> Resource:
    return saved(session, Resource(**{"name": f"Room {number()}"} | fields))


def service_resource(
    session: Session, *, service: Service, resource: Resource, **fields: Any
) -> ServiceResource:
    row = ServiceResource(
        service_id=service.id, resource_id=resource.id, **of_vendor(fields, service)
    )
    return saved(session, row)


def working_hours(session: Session, *, staff: StaffMember | None = None, **fields: Any) -> Any:
    """Nine to five on a Monday, unless said; without `staff` or `service_id` the vendor's."""
    values = {"weekday": 1, "starts": time(9), "ends": time(17)} | of_vendor(fields, staff)
    return saved(session, WorkingHours(**{"staff_id": staff and staff.id} | values))


def time_off(session: Session, *, staff: StaffMember | None = None, **fields: Any) -> TimeOff:
    values = {"starts_at": NOON, "ends_at": NOON + timedelta(hours=4)} | of_vendor(fields, staff)
    return saved(session, TimeOff(**{"staff_id": staff and staff.id} | values))


def policy(session: Session, **fields: Any) -> CancellationPolicy:
    """Free until a day before, half the price until two hours before, then all of it."""
    values = {
        "free_hours": 24,
        "late_hours": 2,
        "late_percent": Decimal(50),
        "last_percent": Decimal(100),
        "no_show_percent": Decimal(100),
    }
    return saved(session, CancellationPolicy(**values | fields))


def feed(session: Session, *, staff: StaffMember, **fields: Any) -> CalendarFeed:
    values = {"token_hash": f"{number():064x}", "staff_id": staff.id} | of_vendor(fields, staff)
    return saved(session, CalendarFeed(**values))
