"""Rows edited in line inside a form, such as the variants of a product."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from wtforms import Form
from wtforms.validators import ValidationError

from admin_views.forms import LONGEST, Saving, _House
from admin_views.loaders import record_id, without_control
from admin_views.rendering import environment

MOST_LINES = 200


@dataclass(frozen=True)
class Cell:
    """A cell of a line: how it is read and written; `wanted` ones cannot stay empty."""

    name: str
    label: str
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    wanted: bool = False
    numeric: bool = False
    check: bool = False


@dataclass
class Line:
    """One row as it was typed, with what it means and what is wrong with it."""

    id: int | None
    typed: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Nothing was typed: the empty last row."""
        return self.id is None and not any(self.typed.values())


class Lines(_House):
    """Rows of a few cells each; an empty last row is no row."""

    data: Any

    def __init__(self, label: str, cells: Sequence[Cell], *, one: str = "line", **kw: Any):
        super().__init__(label, wide=True, **kw)
        self.cells = cells
        self.one = one
        self.rows: list[Line] = []

    def process(self, formdata: Any, *args: Any, **kw: Any) -> None:
        """Read the rows that were posted, else those that stand there."""
        super().process(None, *args, **kw)
        if formdata is None:
            self.rows = [self._stored(row) for row in self.data or []]
            return
        self.rows = [row for row in self._posted(formdata) if not row.is_blank]
        self.data = self.rows

    def _stored(self, row: Mapping[str, Any]) -> Line:
        typed = {c.name: _written(c, row.get(c.name)) for c in self.cells}
        return Line(row.get("id"), typed)

    def _posted(self, formdata: Any) -> list[Line]:
        many = record_id(str(formdata.get(f"{self.name}-count", "0"))) or 0
        return [self._line(formdata, n) for n in range(min(many, MOST_LINES))]

    def _line(self, formdata: Any, n: int) -> Line:
        def at(name: str) -> str:
            return without_control(str(formdata.get(f"{self.name}-{n}-{name}", ""))).strip()

        line = Line(record_id(at("id")), {c.name: at(c.name) for c in self.cells})
        if not line.is_blank:
            for cell in self.cells:
                _read(cell, line)
        return line

    def pre_validate(self, form: Form) -> None:
        """Every row must be right; the sentence stands under the row."""
        wrong = sum(1 for row in self.rows if row.errors)
        if wrong:
            raise ValidationError("Some rows need a look: see the sentences beside them.")
        if self.wanted and not self.rows:
            raise ValidationError(f"At least one {self.one} is needed: fill in the first row.")

    def kept(self, value: Any, context: Saving) -> Any:
        """The rows as they were read."""
        return value

    def widget(self, field: "Lines", **attrs: Any) -> Markup:
        """The table of rows."""
        drawn = environment().get_template("panel/lines_field.html")
        return Markup(drawn.render(f=field, blank=Line(None, {})))  # noqa: S704 - autoescaped


def _written(cell: Cell, value: Any) -> str:
    if cell.check:
        return "y" if value else ""
    return "" if value is None else cell.write(value)


def _read(cell: Cell, line: Line) -> None:
    text = line.typed[cell.name]
    if cell.check:
        line.values[cell.name] = text == "y"
    elif not text:
        line.values[cell.name] = None
        if cell.wanted:
            line.errors[cell.name] = f"{cell.label} is missing: fill it in."
    elif len(text) > LONGEST:
        line.errors[cell.name] = f"{cell.label} is too long: use at most {LONGEST} characters."
    else:
        try:
            line.values[cell.name] = cell.read(text)
        except ValueError as error:
            line.errors[cell.name] = f"{cell.label}: {error}"
