"""What each column of a list seems to be, by its header and by what stands in it."""

from collections.abc import Callable, Mapping

from app.columns import Subject, missing
from app.intake import shapes
from app.intake.headings import ADDRESS, Heading, compact, heading, is_forbidden, tokens
from app.intake.samples import Sample
from app.staging import Field


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_Test = Callable[[str], bool]
_PARTS = (Field.FIRST_NAME, Field.LAST_NAME)
_ALSO_LAST = _set("nom name naam namn navn jmeno nazwa isim")
_ALSO_FIRST = _set("nome nombre nimi jmeno isim name имя")
_HINTS: dict[Field, frozenset[str]] = {
    Field.EMAIL: _set("email mail emailadres epost eposta courriel correo mailadresse"),
    Field.PHONE: _set(
        "phone tel telefon telephone telefono telefone telefoon mobile mobil mobiel movil celular "
        "handy gsm cell cellulare telemovel telefonnummer puhelin telefonu"
    ),
    Field.BIRTHDAY: _set(
        "birth birthday birthdate geburtstag geburtsdatum geb geboorte geboortedatum naissance "
        "nacimiento nascimento nascita dob urodzenia"
    ),
}
_NOT_IT = _set(
    "type label fax id count date opt optin verified status owner created by manager domain url "
    "website site bounce bounced emergency pager assistant second secondary nr no2 sent opened "
    "place lieu ort lugar luogo"
)


def missing_identity(mapping: Mapping[str, Field | None]) -> str | None:
    """The sentence that refuses a mapping by which nobody could be recognised, None if it can."""
    return missing(Subject.CUSTOMERS, set(mapping.values()))


def propose(sample: Sample) -> dict[str, Field | None]:
    """A field for each column, or None; no field is given twice."""
    columns = _Columns(sample)
    if sample.has_header:
        columns.by_header()
        columns.by_hint()
    columns.by_content()
    return dict(zip(sample.header, columns.fields, strict=True))


class _Columns:
    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.fields: list[Field | None] = [None] * len(sample.header)
        self._cells = [sample.column(index)[:200] for index in range(len(sample.header))]

    @property
    def _has_split_birthday(self) -> bool:
        return {compact(h) for h in self._sample.header} >= {"birthyear", "birthmonth"}

    def _give(self, index: int, field: Field) -> None:
        if self.fields[index] is None and field not in self.fields:
            self.fields[index] = field

    def by_header(self) -> None:
        """Known headers, the best word first; of several addresses only one is taken."""
        known = {i: h for i, name in enumerate(self._sample.header) if (h := heading(name))}
        if self._has_split_birthday:
            known = {i: h for i, h in known.items() if h.field is not Field.BIRTHDAY}
        known = self._parts_of_names(known)
        kept = self._one_address(known)
        for index in sorted(kept, key=lambda i: self._order(i, kept[i])):
            found = kept[index]
            if found.field is Field.EMAIL and self._contradicts(index):
                continue
            if found.field is Field.PHONE and Field.PHONE in self.fields:
                self._give(index, Field.PHONE_2)
            else:
                self._give(index, found.field)
        if Field.PHONE_2 in self.fields and Field.PHONE not in self.fields:
            self.fields[self.fields.index(Field.PHONE_2)] = Field.PHONE

    def _parts_of_names(self, known: dict[int, Heading]) -> dict[int, Heading]:
        """ "Nom" beside "Prénom" is the last name, "Nome" beside "Cognome" the first."""
        fields = {h.field for h in known.values()}
        has_first, has_last = Field.FIRST_NAME in fields, Field.LAST_NAME in fields
        if has_first == has_last:
            return known
        part = Field.LAST_NAME if has_first else Field.FIRST_NAME
        words = _ALSO_LAST if has_first else _ALSO_FIRST
        other = next(i for i, h in known.items() if h.field in _PARTS)
        for index, found in known.items():
            word = compact(self._sample.header[index])
            if word in words and found.field is Field.FULL_NAME and not self._holds(index, other):
                return {**known, index: Heading(part, found.rank, found.qualifier)}
        return known

    def _holds(self, whole: int, part: int) -> bool:
        """Whether the cells of one column mostly contain those of another."""
        pairs = [
            (row.cells[whole], row.cells[part].strip())
            for row in self._sample.rows[:200]
            if max(whole, part) < len(row.cells) and row.cells[part].strip()
        ]
        return bool(pairs) and sum(b in a for a, b in pairs) > 0.5 * len(pairs)

    def _order(self, index: int, found: Heading) -> tuple[bool, int, int, int]:
        """Filled before empty columns, plain before qualified ones, good words before others."""
        numbered_last = found.field is Field.PHONE_2
        empty = not self._cells[index] and bool(self._sample.rows)
        return (numbered_last or empty, found.distance, found.rank, index)

    def _contradicts(self, index: int) -> bool:
        cells = self._cells[index]
        return len(cells) >= 3 and not any(map(shapes.looks_like_email, cells))

    def _one_address(self, known: dict[int, Heading]) -> dict[int, Heading]:
        blocks: dict[str, list[int]] = {}
        for index, found in known.items():
            if found.field in ADDRESS:
                blocks.setdefault(found.qualifier, []).append(index)
        if len(blocks) < 2:
            return known
        chosen = min(blocks, key=lambda q: self._block_order(known, blocks[q]))
        filled = {known[i].field for i in blocks[chosen]}
        # A plain "Country" beside "Home Street" and "Home City" belongs to the same address.
        extra = [i for i in blocks.get("", ()) if known[i].field not in filled]
        kept = {*blocks[chosen], *extra}
        return {i: h for i, h in known.items() if h.field not in ADDRESS or i in kept}

    def _block_order(
        self, known: dict[int, Heading], indexes: list[int]
    ) -> tuple[int, bool, int, int]:
        rows = sum(len(self._cells[i]) > 0 for i in indexes)
        alone = len(indexes) < 2
        return (-min(rows, 2), alone, known[indexes[0]].distance, -len(indexes))

    def by_hint(self) -> None:
        """Headers in which a telling word occurs, if the cells agree."""
        for index, name in enumerate(self._sample.header):
            said = set(tokens(name))
            if said & _NOT_IT or is_forbidden(name) or not self._cells[index]:
                continue
            for field, hints in _HINTS.items():
                if field is Field.BIRTHDAY and self._has_split_birthday:
                    continue
                if said & hints and self._share(index, _agrees(field)) >= 0.3:
                    self._give(index, field)

    def by_content(self) -> None:
        """Columns without a known header: e-mail and phone always, names only without header."""
        self._best(Field.EMAIL, shapes.looks_like_email, 0.6)
        self._best(Field.PHONE, shapes.looks_like_phone, 0.6)
        if self._sample.has_header:
            return
        self._best(Field.PHONE_2, shapes.looks_like_phone, 0.6)
        self._best(Field.LINE1, shapes.looks_like_street, 0.5)
        self._names()

    def _best(self, field: Field, test: _Test, least: float) -> None:
        if field in self.fields:
            return
        free = [i for i, f in enumerate(self.fields) if f is None and self._may_be(i, field)]
        shares = {i: self._share(i, test) for i in free if len(self._cells[i]) > 0}
        full = [i for i in free if shares.get(i, 0) >= least]
        if full:
            self._give(max(full, key=lambda i: (len(self._cells[i]), -i)), field)

    def _may_be(self, index: int, field: Field) -> bool:
        name = self._sample.header[index]
        if is_forbidden(name):
            return False
        if not self._sample.has_header:
            return True
        return heading(name) is None and not set(tokens(name)) & _NOT_IT

    def _share(self, index: int, test: _Test) -> float:
        cells = self._cells[index]
        return sum(map(test, cells)) / len(cells) if cells else 0.0

    def _names(self) -> None:
        """The column of words that says most: nearly every cell another one."""
        free = [i for i, f in enumerate(self.fields) if f is None and self._is_naming(i)]
        if not free:
            return
        said = {i: len(set(self._cells[i])) * len(self._cells[i]) for i in free}
        best = next(i for i in free if said[i] >= 0.9 * max(said.values()))
        of_companies = self._share(best, shapes.looks_like_company) >= 0.15
        self._give(best, Field.COMPANY if of_companies else Field.FULL_NAME)

    def _is_naming(self, index: int) -> bool:
        cells = self._cells[index]
        return (
            len(cells) > 0
            and self._share(index, shapes.looks_like_name) >= 0.8
            and len(set(cells)) >= 0.5 * len(cells)
        )


def _agrees(field: Field) -> _Test:
    if field is Field.EMAIL:
        return shapes.looks_like_email
    if field is Field.PHONE:
        return lambda cell: sum(c.isdigit() for c in cell) >= 6
    return lambda cell: any(c.isdigit() for c in cell)
