"""One change to many customers: a selection of the page, or all that match."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.customer_filters import Asked


def bulk_actions(session: Session, request: Request, asked: Asked) -> list[dict[str, Any]]:
    """What the bar above a selection offers."""
    return []
