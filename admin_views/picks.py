"""Several related records in one field of a form, each searched as one types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from wtforms import Form
from wtforms.validators import ValidationError

from admin_views.forms import Saving, _House
from admin_views.loaders import Lookup, record_id, without_control
from admin_views.rendering import environment
from app.errors import DomainError

MOST_PICKED = 50


@dataclass
class Picked:
    """One row: the record's id, what was typed beside it, what is wrong with it."""

    value: str = ""
    text: str = ""
    error: str = ""


class Picks(_House):
    """Related records, a row each; `data` is `[(id, text)]`, kept as their ids, each once."""

    data: Any

    def __init__(self, label: str, lookup: Lookup, *, one: str, **kw: Any):
        super().__init__(label, wide=True, **kw)
        self.lookup = lookup
        self.one = one
        self.rows: list[Picked] = []

    def process(self, formdata: Any, *args: Any, **kw: Any) -> None:
        """Read the rows that were posted, else those that stand there."""
        super().process(None, *args, **kw)
        if formdata is None:
            self.rows = [Picked(str(value), text) for value, text in self.data or []]
            return
        self.rows = [row for row in self._posted(formdata) if row.value or row.text]
        self.data = [(row.value, row.text) for row in self.rows]

    def _posted(self, formdata: Any) -> Sequence[Picked]:
        def at(name: str) -> str:
            return without_control(str(formdata.get(f"{self.name}-{name}", ""))).strip()[:200]

        many = record_id(at("count")) or 0
        return [Picked(at(f"{n}-item"), at(f"{n}-item_text")) for n in range(min(many, 2000))]

    def pre_validate(self, form: Form) -> None:
        """What was typed but never chosen is not silently dropped, nor what is too much."""
        if len(self.rows) > MOST_PICKED:
            self.rows = self.rows[:MOST_PICKED]
            raise ValidationError(f"These are too many: choose at most {MOST_PICKED}.")
        for row in self.rows:
            if not row.value:
                row.error = f"“{row.text[:60]}” was not chosen: choose one from the list."
        if any(row.error for row in self.rows):
            raise ValidationError("Some rows need a look: see the sentences beside them.")

    def kept(self, value: Any, context: Saving) -> Any:
        """The ids, in their order; one that is not to be had is refused."""
        ids: dict[int, None] = {}
        for posted, _ in value or ():
            found = self.lookup.find(context.session, posted)
            if found is None:
                raise DomainError(
                    "This one is not here: choose one from the list.", field=self.name
                )
            ids[found.id] = None
        return list(ids)

    def widget(self, field: "Picks", **attrs: Any) -> Markup:
        """The rows, and a way to add one."""
        drawn = environment().get_template("panel/picks.html")
        url = f"{attrs.get('data-url') or ''}?name={field.name}"
        return Markup(drawn.render(f=field, url=url, blank=Picked()))  # noqa: S704  the template escapes
