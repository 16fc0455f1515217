"""Scores of customers, cohorts, segments, and the models behind them."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import ALL, CURRENT_VENDOR, grant, policy, protect, secure

revision, down_revision = "0045", "0044"

SEGMENTS = (
    "champions", "loyal", "potential_loyalist", "new", "promising", "needs_attention",
    "about_to_sleep", "at_risk", "cant_lose", "hibernating", "lost",
)  # fmt: skip
GRAINS = ("week", "month")
SOURCES = ("own", "marketplace", "none")

MONTHS = ("month", "visits", "orders", "days", "services", "products", "other")
SCORES = (
    "first_on", "second_on", "last_on", "days", "visits", "orders", "revenue", "repeat_value",
    "first_channel", "first_category_id", "bought_on", "bought_for", "as_of", "recency_days", "r",
    "f", "m", "segment", "p_alive", "expected_12m", "value_12m",
)  # fmt: skip
COHORTS = (
    "grain", "cohort", "age", "starts_on", "channel", "category_id", "customers", "revenue",
)  # fmt: skip
FIGURES = (
    "month", "as_of", "segment", "channel", "category_id", "customers", "days", "recency_days",
    "revenue", "valued", "alive", "expected_12m", "value_12m", "variance",
)  # fmt: skip
MOVES = ("month", "was", "became", "channel", "category_id", "customers")
REACH = (
    "starts_on", "ends_on", "as_of", "channel", "category_id", "customers", "new_customers",
    "returning_customers", "repeat_customers", "purchases", "new_revenue", "returning_revenue", "mature",
    "mature_repeat",
)  # fmt: skip
MODELS = (
    "as_of", "customers", "repeaters", "source", "r", "alpha", "a", "b", "log_likelihood", "p",
    "q", "v", "money_log_likelihood",
)  # fmt: skip

STALE = """
CREATE FUNCTION note_stale_scores() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  INSERT INTO stale_usages (vendor_id, customer_id)
  SELECT n.vendor_id, n.id FROM new_rows n JOIN old_rows o USING (id)
  WHERE (n.visit_count, n.order_count, n.services_spent, n.products_spent, n.total_spent)
    IS DISTINCT FROM
    (o.visit_count, o.order_count, o.services_spent, o.products_spent, o.total_spent)
  ORDER BY 1, 2
  ON CONFLICT (vendor_id, customer_id) DO UPDATE SET at = now();
  RETURN NULL;
END $$
"""
"""Whose money or purchases moved is noted where usages are: the same mark, worked off at once."""


def upgrade() -> None:
    _customers()
    _figures()
    _market()
    op.execute(STALE)
    op.execute(
        "CREATE TRIGGER stale_scores_update AFTER UPDATE ON customers"
        " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_stale_scores()"
    )
    _note_all()


def _note_all() -> None:
    """What was bought before has to be worked out too: the first rounds of the task do it."""
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        "INSERT INTO stale_usages (vendor_id, customer_id) SELECT vendor_id, id FROM customers"
        " WHERE visit_count > 0 OR order_count > 0 ON CONFLICT DO NOTHING"
    )
    op.execute("RESET ROLE")


Column = sa.Column[Any]


def _id() -> Column:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False)


def _vendor() -> Column:
    return sa.Column(
        "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
    )


def _int(name: str, default: str | None = None, **how: Any) -> Column:
    return sa.Column(name, sa.BigInteger, server_default=default, **{"nullable": False} | how)


def _text(name: str, default: str | None = None, **how: Any) -> Column:
    return sa.Column(name, sa.Text, server_default=default, **{"nullable": False} | how)


def _day(name: str, **how: Any) -> Column:
    return sa.Column(name, sa.Date, **{"nullable": False} | how)


def _number(
    name: str, precision: int = 16, scale: int = 2, default: str | None = "0", **how: Any
) -> Column:
    kind = sa.Numeric(precision, scale)
    return sa.Column(name, kind, server_default=default, **{"nullable": False} | how)


def _money(name: str, default: str | None = None, **how: Any) -> Column:
    return _number(name, 12, 2, default, **how)


def _known(table: str, column: str, words: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(
        f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known")
    )  # fmt: skip


def _holds(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _owned(table: str) -> list[Any]:
    """What every vendor's own table has: who owns it, and keys."""
    return [
        _id(), _vendor(),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=f"fk_{table}_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("vendor_id", "id", name=f"uq_{table}_vendor_id_id"),
    ]  # fmt: skip


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    short = "key" if len(columns) > 3 else "_".join(columns)
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{short}")


def _of_customer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["vendor_id", "customer_id"], ["customers.vendor_id", "customers.id"],
        name=f"fk_{table}_vendor_id_customer_id_customers",
    )  # fmt: skip


def _customers() -> None:
    table = "customer_months"
    op.create_table(
        table, _id(), _vendor(), _int("customer_id"), _day("month"), _int("visits", "0"),
        _int("orders", "0"), _int("days", "0"), _money("services", "0"), _money("products", "0"),
        _money("other", "0"),
        _of_customer(table),
        _holds(table, "month_is_its_first_day", "EXTRACT(day FROM month) = 1"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        _once(table, "vendor_id", "customer_id", "month"),
    )  # fmt: skip
    protect(table, analyst=("id", "vendor_id", *MONTHS))
    table = "customer_scores"
    empty = {"nullable": True}
    op.create_table(
        table, *_owned(table), _int("customer_id"), _day("first_on"), _day("second_on", **empty),
        _day("last_on"), _int("days"), _int("visits"), _int("orders"), _money("revenue"),
        _number("repeat_value", 16, 4, None, **empty), _text("first_channel"),
        _int("first_category_id", "0", comment="0: of none"),
        sa.Column("bought_on", sa.ARRAY(sa.Date), nullable=False),
        sa.Column("bought_for", sa.ARRAY(sa.Numeric(12, 2)), nullable=False),
        _day("as_of", **empty), _int("recency_days", **empty),
        *(_int(name, **empty) for name in ("r", "f", "m")), _text("segment", **empty),
        _number("p_alive", 9, 8, None, **empty),
        _number(
            "expected_12m", 14, 4, None, comment="purchases within twelve months", **empty
        ),
        _money("value_12m", **empty),
        _of_customer(table),
        _once(table, "vendor_id", "customer_id"),
        _known(table, "segment", SEGMENTS),
        _holds(table, "days_are_listed", "days > 0 AND cardinality(bought_on) = days"),
        _holds(table, "each_day_has_its_money", "cardinality(bought_for) = cardinality(bought_on)"),
        _holds(table, "last_is_not_before_first", "last_on >= first_on"),
        _holds(
            table, "quintiles_are_five",
            "r BETWEEN 1 AND 5 AND f BETWEEN 1 AND 5 AND m BETWEEN 1 AND 5",
        ),
        _holds(table, "p_alive_is_a_chance", "p_alive BETWEEN 0 AND 1"),
    )  # fmt: skip
    op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")  # every night each row is written
    for columns in (("segment", "customer_id"), ("first_on",), ("last_on",)):
        op.create_index(
            f"ix_{table}_vendor_id_{'_'.join(columns)}", table, ["vendor_id", *columns]
        )  # fmt: skip
    op.create_index(f"ix_{table}_last_on", table, ["last_on"])
    again = sa.text("second_on IS NOT NULL")
    for columns in (("vendor_id", "second_on"), ("second_on",)):
        op.create_index(
            f"ix_{table}_{'_'.join(columns)}", table, list(columns), postgresql_where=again
        )
    protect(table, analyst=("id", "vendor_id", *SCORES))


def _cohort_columns() -> list[Column]:
    return [
        _text("grain"), _day("cohort"), _int("age"), _day("starts_on"), _text("channel"),
        _int("category_id"), _int("customers"), _number("revenue"),
    ]  # fmt: skip


def _reach_columns() -> list[Column]:
    counted = ("customers", "new_customers", "returning_customers", "repeat_customers", "purchases")
    return [
        _day("starts_on"), _day("ends_on"), _day("as_of"), _text("channel"), _int("category_id"),
        *(_int(name, "0") for name in counted), _number("new_revenue"),
        _number("returning_revenue"), _int("mature", "0"), _int("mature_repeat", "0"),
    ]  # fmt: skip


def _model_columns() -> list[Column]:
    def parameters(*names: str) -> list[Column]:
        return [_number(name, 24, 10, None, nullable=True) for name in names]

    return [
        _day("as_of"), _int("customers", "0"), _int("repeaters", "0"), _text("source", "none"),
        *parameters("r", "alpha", "a", "b"),
        _number("log_likelihood", 20, 4, None, nullable=True), *parameters("p", "q", "v"),
        _number("money_log_likelihood", 20, 4, None, nullable=True),
    ]  # fmt: skip


COHORT_KEY = ("grain", "starts_on", "cohort", "channel", "category_id")
REACH_KEY = ("starts_on", "ends_on", "channel", "category_id")


def _figures() -> None:
    table = "cohort_figures"
    op.create_table(
        table, *_owned(table), *_cohort_columns(), _once(table, "vendor_id", *COHORT_KEY),
        _known(table, "grain", GRAINS),
    )  # fmt: skip
    protect(table, analyst=("id", "vendor_id", *COHORTS))
    table = "score_figures"
    op.create_table(
        table, *_owned(table), _day("month"), _day("as_of"), _text("segment"), _text("channel"),
        _int("category_id"), _int("customers"), _int("days"),
        _int("recency_days", comment="of all of them together"), _number("revenue"),
        _int("valued", "0"), _number("alive", 14, 4), _number("expected_12m", 14, 4),
        _number("value_12m"), _number("variance", 24, 4),
        _once(table, "vendor_id", "month", "segment", "channel", "category_id"),
        _known(table, "segment", SEGMENTS),
    )  # fmt: skip
    protect(table, analyst=("id", "vendor_id", *FIGURES))
    table = "segment_moves"
    op.create_table(
        table, *_owned(table), _day("month"), _text("was"), _text("became"), _text("channel"),
        _int("category_id"), _int("customers"),
        _once(table, "vendor_id", "month", "was", "became", "channel", "category_id"),
        _known(table, "became", SEGMENTS),
    )  # fmt: skip
    protect(table, analyst=("id", "vendor_id", *MOVES))
    table = "reach_figures"
    op.create_table(
        table, *_owned(table), *_reach_columns(), _once(table, "vendor_id", *REACH_KEY)
    )  # fmt: skip
    protect(table, analyst=("id", "vendor_id", *REACH))
    table = "score_models"
    op.create_table(
        table, *_owned(table), *_model_columns(), _once(table, "vendor_id"),
        _known(table, "source", SOURCES),
    )  # fmt: skip
    protect(table, analyst=("id", "vendor_id", *MODELS))


def _market() -> None:
    """Tables of the marketplace as a whole: no vendor reads them."""
    tables: dict[str, tuple[Callable[[], list[Column]], tuple[str, ...]]] = {
        "market_cohorts": (_cohort_columns, COHORT_KEY),
        "market_reach": (_reach_columns, REACH_KEY),
        "market_models": (_model_columns, ()),
    }
    for table, (columns, key) in tables.items():
        known = {"market_cohorts": [_known(table, "grain", GRAINS)],
                 "market_models": [_known(table, "source", SOURCES)]}  # fmt: skip
        op.create_table(
            table, _id(), *columns(), sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
            *([_once(table, *key)] if key else []), *known.get(table, []),
        )  # fmt: skip
        secure(table)
        policy(table, "app_admin")
        grant(table, "app_admin", ALL)
        policy(table, "app_analyst", verb="SELECT")
        grant(table, "app_analyst", "SELECT")


def downgrade() -> None:
    op.execute("DROP TRIGGER stale_scores_update ON customers")
    op.execute("DROP FUNCTION note_stale_scores()")
    for table in (
        "market_models", "market_reach", "market_cohorts", "score_models", "reach_figures",
        "segment_moves", "score_figures", "cohort_figures", "customer_scores", "customer_months",
    ):  # fmt: skip
        op.drop_table(table)
