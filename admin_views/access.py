"""Who may do what in the panel: role x screen x action, as data.

The database keeps vendors apart; this table tells a vendor's staff from its managers, and says
what the marketplace's analyst sees. What is not named here is allowed to nobody.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from app.tenancy import PanelRole

ADMIN, ANALYST = PanelRole.ADMIN, PanelRole.ANALYST
MANAGER, STAFF = PanelRole.MANAGER, PanelRole.STAFF
ROLES = (ADMIN, ANALYST, MANAGER, STAFF)

Grants = Mapping[PanelRole, frozenset[str]]

READ = frozenset({"list", "details"})
WRITE = READ | {"create", "edit"}
FULL = WRITE | {"delete"}


def _grants(
    manager: Iterable[str] = (),
    staff: Iterable[str] = (),
    admin: Iterable[str] | None = None,
    analyst: Iterable[str] = (),
) -> Grants:
    """What each role may do on a screen; an admin may do what a manager may, unless said."""
    return {
        ADMIN: frozenset(manager if admin is None else admin),
        ANALYST: frozenset(analyst),
        MANAGER: frozenset(manager),
        STAFF: frozenset(staff),
    }


_CUSTOMER = FULL | {"bulk", "views", "tags", "duplicates"}
_OF_A_CUSTOMER = _grants(FULL, FULL)
_MOVED = {"move", "views"}
_CATALOGUE = _grants(FULL, READ)
_FIGURES = frozenset({"list", "figures", "views", "run", "make"})
_USERS = READ | {"invite", "role", "remove", "reset"}

MATRIX: Mapping[str, Grants] = {
    "today": _grants({"list"}, {"list"}, analyst={"list"}),
    "calendar": _grants({"list", "book", "move", "block"}, {"list", "book", "move"}),
    "counter": _grants({"list", "sell"}, {"list", "sell"}),
    "account": _grants(
        {"list", "password", "sessions"},
        {"list", "password", "sessions"},
        analyst={"list", "password", "sessions"},
    ),
    "vendor-switch": _grants({"enter"}, {"enter"}, admin={"enter", "leave"}),
    "customer": _grants(
        _CUSTOMER | {"merge", "forget", "import", "credit"}, _CUSTOMER - {"delete"}
    ),
    "address": _OF_A_CUSTOMER,
    "consent": _grants(READ | {"create"}, READ | {"create"}),
    "customer-preference": _grants(WRITE, WRITE),
    "preferred-category": _OF_A_CUSTOMER,
    "customer-interest": _grants(READ, READ),
    "segment": _grants(FULL | {"look"}, READ),
    "tag": _grants(FULL, WRITE),
    "customer-tag": _OF_A_CUSTOMER,
    "person": _grants(admin=READ),
    "category": _grants(READ, READ, admin=FULL),
    "service": _CATALOGUE,
    "product": _CATALOGUE,
    "variant": _grants(READ | {"receive", "adjust"}, READ | {"receive"}),
    "consumable": _CATALOGUE,
    "package": _CATALOGUE,
    "package-service": _CATALOGUE,
    "membership-plan": _CATALOGUE,
    "plan-benefit": _CATALOGUE,
    "coupon": _CATALOGUE,
    "loyalty-program": _CATALOGUE,
    "loyalty-tier": _CATALOGUE,
    "loyalty-rule": _CATALOGUE,
    "reward": _CATALOGUE,
    "loyalty-account": _grants(READ | {"create", "adjust"}, READ),
    "loyalty-entry": _grants(READ | {"use"}, READ | {"use"}),
    "coupon-code": _grants(READ | {"edit"}, READ),
    "coupon-redemption": _grants({"list"}, {"list"}),
    "tax-class": _CATALOGUE,
    "shipping-method": _CATALOGUE,
    "staff-member": _CATALOGUE,
    "class-session": _grants(WRITE | {"move", "join", "complete"}, READ | {"join", "complete"}),
    "booking-series": _grants(READ | {"create", "move"}, READ | {"create", "move"}),
    "waitlist-entry": _grants(WRITE | {"move"}, WRITE | {"move"}),
    "calendar-feed": _grants({"list", "create", "revoke"}, {"list", "create", "revoke"}),
    "staff-service": _CATALOGUE,
    "resource": _CATALOGUE,
    "service-resource": _CATALOGUE,
    "cancellation-policy": _CATALOGUE,
    "working-hours": _grants(READ | {"edit"}, READ),
    "time-off": _grants(READ | {"create", "give-back"}, READ),
    "booking": _grants(FULL | _MOVED | {"overbook"}, WRITE | _MOVED),
    "order": _grants(
        FULL | _MOVED | {"pay", "refund", "return"}, WRITE | _MOVED | {"pay", "return"}
    ),
    "payment": _grants(READ | {"move"}, READ),
    "product-return": _grants(READ | {"move", "receive", "settle"}, READ | {"move", "receive"}),
    "shipment": _grants(READ | {"move"}, READ | {"move"}),
    "order-line": _grants(FULL, FULL),
    "invoice": _grants(READ | {"move", "send"}, READ | {"send"}),
    "cover": _grants(READ | {"move"}, READ | {"move"}),
    "warranty-claim": _grants(READ | {"move", "pay"}, READ | {"move"}),
    "message": _grants(READ | {"create", "move", "send"}, READ | {"create", "move"}),
    "message-template": _grants(WRITE | {"move", "test"}, READ),
    "task": _grants(FULL | _MOVED, FULL | _MOVED),
    "my-day": _grants({"list", "finish"}, {"list", "finish"}),
    "message-rule": _grants(FULL | {"move", "try"}, READ),
    "campaign": _grants(FULL | {"send"}, READ),
    "usage": _grants(READ, READ),
    "package-holding": _grants(WRITE | {"use", "refund"}, WRITE | {"use"}),
    "membership": _grants(WRITE | {"move"}, WRITE | {"move"}),
    "saved-view": _grants(FULL - {"create"}, FULL - {"create"}),
    "bulk-job": _grants(READ | {"undo"}, READ | {"undo"}),
    "import-job": _grants(FULL | {"upload", "map", "try", "commit", "undo", "fix"}),
    "import-row": _grants(WRITE | {"fix"}),
    "audit-entry": _grants(READ, READ),
    "outbox-message": _grants(admin=READ | {"send"}),
    "vendor": _grants(READ | {"edit"}, READ, admin=WRITE),
    "reports": _grants(_FIGURES, analyst=_FIGURES - {"views", "make"}),
    "api-token": _grants({"list", "create", "revoke"}),
    "users": _grants(_USERS, admin=_USERS | {"activate", "marketplace"}),
}

COMMANDS: Mapping[tuple[str, str], str] = {
    ("today", "today"): "list",
    ("account", "account"): "list",
    ("account", "change_password"): "password",
    ("account", "end_session"): "sessions",
    ("account", "end_other_sessions"): "sessions",
    ("users", "users"): "list",
    ("users", "invite"): "invite",
    ("users", "change_role"): "role",
    ("users", "remove"): "remove",
    ("users", "reset"): "reset",
}
"""Which action an endpoint of our own stands for: (screen, function) -> action."""

BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "list": ("list",),
    "details": ("details",),
    "create": ("create",),
    "edit": ("edit",),
    "delete": ("delete",),
    "ajax_lookup": ("create", "edit"),
    "choices": ("list",),
    "remove": ("delete",),
    "command": (
        *("move", "use", "refund", "edit", "undo", "send", "complete"),
        *("receive", "adjust", "pay"),
    ),
}
"""SQLAdmin's own routes, by name, and the actions of which one is needed."""


F = TypeVar("F", bound=Callable[..., Any])


def needs(action: str) -> Callable[[F], F]:
    """Say which action an endpoint of our own stands for, under `@expose`."""

    def mark(function: F) -> F:
        function.__dict__["needs"] = action
        return function

    return mark


def action_of(identity: str, endpoint: Any) -> str | None:
    """The action that an endpoint of our own stands for: as marked, as listed, or by its name."""
    name = getattr(endpoint, "__name__", "")
    listed = getattr(endpoint, "needs", None) or COMMANDS.get((identity, name))
    if listed:
        return str(listed)
    held = {action for grants in MATRIX.get(identity, {}).values() for action in grants}
    return next((a for a in (name, name.replace("_", "-")) if a in held), None)


def allowed(role: PanelRole, identity: str, action: str) -> bool:
    """Whether a role may do this on a screen; what the table does not name is refused."""
    grants = MATRIX.get(identity)
    return grants is not None and action.removeprefix("action:") in grants.get(role, frozenset())


def _cell(grants: Grants, role: PanelRole) -> str:
    held = grants[role]
    if not held:
        return "–"
    order = ["list", "details", "create", "edit", "delete"]
    named = [a for a in order if a in held] + sorted(held.difference(order))
    return ", ".join(named)


def as_markdown() -> str:
    """The table as the README shows it."""
    head = "| screen | " + " | ".join(ROLES) + " |\n|---|" + "---|" * len(ROLES)
    lines = [
        f"| {identity} | " + " | ".join(_cell(grants, role) for role in ROLES) + " |"
        for identity, grants in MATRIX.items()
    ]
    return "\n".join([head, *lines])
