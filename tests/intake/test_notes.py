"""The page of columns says how each column is read."""

from pathlib import Path

from app.intake import Limits, Tone, open_list, readings

LIST = """Klant;Tel. mobiel;E-mailadres;Plaats;Geb. datum;Nieuwsbrief;Klantnr.;Wachtwoord
Van der Meer, Jip;06-12348890;jip@post.nl;Rotterdam;03-04-1988;ja;10032;x
"de Wit, B.";+31 6 44201173;;Schiedam;05-11-1979;nee;10033;y
"Bakker, Jan";12;;Delft;;ja;10034;z
"""


def test_each_column_has_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "klanten.csv"
    path.write_text(LIST)
    listing = open_list(path, filename="klanten.csv", limits=Limits())
    notes = readings(listing, listing.proposal(), "NL")
    assert {header: note.sentence for header, note in notes.items()} == {
        "Klant": "“Last, First” is turned round",
        "Tel. mobiel": "67 % are valid numbers",
        "E-mailadres": "67 % are empty, which is fine",
        "Plaats": "Recognised",
        "Geb. datum": "Read as day-month-year",
        "Nieuwsbrief": "ja = yes, nee = no",
        "Klantnr.": "Left out",
        "Wachtwoord": "Never imported",
    }
    assert notes["Geb. datum"].tone is Tone.LOOK
    assert notes["Klantnr."].tone is Tone.NONE
    assert listing.samples[0][:2] == ["Van der Meer, Jip", "06-12348890"]
