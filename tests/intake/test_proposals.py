"""Columns are recognised in the spellings of many programs and languages."""

import pytest

from app.intake import missing_identity
from app.intake.headings import find_header, heading
from app.intake.lists import unique_names
from app.intake.proposals import propose
from app.intake.samples import RawRow, Sample
from app.staging import Field


def proposed(header: str, *rows: str) -> dict[str, str | None]:
    names = unique_names(header.split(","), header.count(",") + 1)
    raw = tuple(RawRow(i + 2, None, tuple(row.split(","))) for i, row in enumerate(rows))
    return {h: f and f.value for h, f in propose(Sample(names, True, raw)).items()}


def mapped(header: str, *rows: str) -> dict[str, str]:
    return {h: f for h, f in proposed(header, *rows).items() if f}


@pytest.mark.parametrize(
    ("program", "header", "expected"),
    [
        (
            "Shopify",
            "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address "
            "Company,Default Address Address1,Default Address Address2,Default Address City,"
            "Default Address Province Code,Default Address Country Code,Default Address Zip,"
            "Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,"
            "Tax Exempt,Tags",
            "first_name last_name email marketing_email company line1 line2 city region country "
            "postal_code phone_2 phone marketing_sms note tags",
        ),
        (
            "WooCommerce",
            "user_login,user_email,first_name,last_name,billing_company,billing_address_1,"
            "billing_address_2,billing_city,billing_state,billing_postcode,billing_country,"
            "billing_phone,shipping_address_1,shipping_city,user_pass",
            "email first_name last_name company line1 line2 city region postal_code country phone",
        ),
        (
            "Square",
            "Reference ID,First Name,Last Name,Email Address,Phone Number,Nickname,Company Name,"
            "Street Address 1,Street Address 2,City,State,Postal Code,Birthday,Memo,Square "
            "Customer ID,Creation Source,First Visit,Last Visit,Transaction Count,Total Spend",
            "first_name last_name email phone company line1 line2 city region postal_code "
            "birthday note",
        ),
        (
            "Mailchimp",
            "Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,"
            "OPTIN_TIME,LEID,EUID,NOTES,TAGS",
            "email first_name last_name line1 phone birthday note tags",
        ),
        (
            "Google",
            "First Name,Middle Name,Last Name,Phonetic First Name,Nickname,File As,Organization "
            "Name,Organization Title,Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,"
            "E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,"
            "Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address "
            "1 - City,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country",
            "first_name last_name full_name company birthday note tags email phone phone_2 line1 "
            "city region postal_code country",
        ),
        (
            "Outlook",
            "Title,First Name,Last Name,Company,Business Street,Business City,Home Street,Home "
            "City,Home Postal Code,Home Country/Region,Mobile Phone,Home Phone,Business Fax,"
            "E-mail Address,E-mail Type,Birthday,Categories,Notes",
            "first_name last_name company line1 city postal_code country phone phone_2 email "
            "birthday tags note",
        ),
        (
            "HubSpot",
            "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Company Name,"
            "Street Address,City,State/Region,Postal Code,Country/Region,Date of Birth,Contact "
            "owner,Create Date",
            "first_name last_name email phone phone_2 company line1 city region postal_code "
            "country birthday",
        ),
        (
            "Salesforce",
            "Salutation,First Name,Last Name,Account Name,Mailing Street,Mailing City,Mailing "
            "State/Province,Mailing Zip/Postal Code,Mailing Country,Phone,Fax,Mobile,Email,"
            "Birthdate,Description",
            "first_name last_name company line1 city region postal_code country phone phone_2 "
            "email birthday note",
        ),
        (
            "Odoo",
            "Name*,Company Name,Phone,Mobile,Email,Street,Street2,Zip,City,State,Country,Tags,"
            "Notes",
            "full_name company phone phone_2 email line1 line2 postal_code city region country "
            "tags note",
        ),
        (
            "German",
            "Kundennr.,Anrede,Vorname,Nachname,Firma,E-Mail-Adresse,Telefon,Handy,Straße und "
            "Hausnummer,PLZ,Ort,Bundesland,Land,Geburtsdatum,Schlagworte,Newsletter,Bemerkungen",
            "first_name last_name company email phone phone_2 line1 postal_code city region "
            "country birthday tags marketing_email note",
        ),
        (
            "French",
            "Nom,Prénom,Société,Adresse e-mail,N° de téléphone,Téléphone portable,Adresse,Code "
            "postal,Ville,Pays,Date de naissance,Commentaires",
            "last_name first_name company email phone phone_2 line1 postal_code city country "
            "birthday note",
        ),
        (
            "Spanish",
            "Nombre,Apellidos,Empresa,Correo electrónico,Teléfono,Móvil,Dirección,Código postal,"
            "Ciudad,Provincia,País,Fecha de nacimiento,Etiquetas,Notas",
            "first_name last_name company email phone phone_2 line1 postal_code city region "
            "country birthday tags note",
        ),
        (
            "Dutch",
            "Klant,Tel. mobiel,E-mailadres,Plaats,Geb. datum,Huisdier,Nieuwsbrief,Klantnr.",
            "full_name phone email city birthday marketing_email",
        ),
        (
            "Swedish",
            "Förnamn,Efternamn,E-post,Telefonnummer,Gatuadress,Postnummer,Ort,Land,Födelsedag",
            "first_name last_name email phone line1 postal_code city country birthday",
        ),
        (
            "Polish",
            "Imię,Nazwisko,Adres e-mail,Numer telefonu,Ulica,Kod pocztowy,Miasto,Kraj,Uwagi",
            "first_name last_name email phone line1 postal_code city country note",
        ),
        (
            "Turkish",
            "Ad,Soyad,E-posta,Cep Telefonu,Adres,Şehir,Ülke,Doğum Tarihi",
            "first_name last_name email phone line1 city country birthday",
        ),
        (
            "Portuguese",
            "Nome,Sobrenome,E-mail,Celular,Endereço,CEP,Cidade,Estado,País,Data de nascimento",
            "first_name last_name email phone line1 postal_code city region country birthday",
        ),
        (
            "Italian",
            "Nome,Cognome,Indirizzo e-mail,Cellulare,Indirizzo,CAP,Città,Provincia,Nazione,Data "
            "di nascita",
            "first_name last_name email phone line1 postal_code city region country birthday",
        ),
        (
            "Danish",
            "Fornavn,Efternavn,E-mail,Mobil,Adresse,Postnr.,By,Land,Fødselsdag",
            "first_name last_name email phone line1 postal_code city country birthday",
        ),
    ],
)
def test_the_headers_of_programs_and_languages(program: str, header: str, expected: str) -> None:
    found = mapped(header)
    assert sorted(found.values()) == sorted(expected.split())


@pytest.mark.parametrize("header", ["Password *", "Passwort", "Mot de passe", "user_pass", "IBAN"])
def test_secrets_are_never_imported(header: str) -> None:
    assert proposed(f"Name,{header}", "Anna,a@b.de", "Ben,b@b.de") == {
        "Name": "full_name",
        header: None,
    }


def test_no_field_is_given_twice() -> None:
    header = "Email,E-mail,Mail,Phone,Mobile,Tel,Telephone,Name,Full name,Address,Street,City,Town"
    fields = [f for f in proposed(header).values() if f]
    assert len(fields) == len(set(fields))


def test_of_several_addresses_the_filled_one_is_taken_whole() -> None:
    header = "Name,Billing Street,Billing City,Shipping Street,Shipping City"
    assert mapped(header, "Anna,,,1 High St,Leeds") == {
        "Name": "full_name",
        "Shipping Street": "line1",
        "Shipping City": "city",
    }


def test_a_birthday_in_three_columns_is_left_out() -> None:
    found = proposed("Name,Birth Year,Birth Month,Birth Day", "Anna,1970,11,15")
    assert set(found.values()) == {"full_name", None}


def test_content_speaks_where_the_header_does_not() -> None:
    rows = [f"Anna {x},a{n}@b.de,030 123456{n},2021-01-0{n}" for n, x in enumerate("abcdefgh", 1)]
    assert mapped("Name,Reach,Ring,Since", *rows) == {
        "Name": "full_name",
        "Reach": "email",
        "Ring": "phone",
    }


def test_a_header_that_says_e_mail_over_something_else_is_not_believed() -> None:
    rows = ["Anna,yes", "Ben,no", "Cara,yes"]
    assert proposed("Name,Email", *rows)["Email"] is None


def test_words_that_only_look_like_names_of_people_are_left_alone() -> None:
    header = "Clave Entidad,Nombre Entidad,Nombre Municipio,Country,Capital"
    found = proposed(header, "01,Aguascalientes,Jesús María,Mexico,Mexico City")
    assert found["Nombre Municipio"] is None
    assert found["Capital"] is None


@pytest.mark.parametrize("word", ["", " ", "***", "x" * 5000, "\0", "(((", "日本"])
def test_strange_headers_are_no_error(word: str) -> None:
    assert heading(word) is None


def test_the_header_is_found_below_titles_and_never_in_data() -> None:
    rows = [("Customers", "", ""), ("Name", "E-mail", "Phone"), ("Anna", "a@b.de", "030 1234567")]
    assert find_header(rows) == 1
    assert find_header([("Anna", "a@b.de"), ("Ben", "b@b.de")]) is None
    assert find_header([("Huisdier", "Gewicht"), ("Rex", "12"), ("Miso", "4")]) == 0


def test_a_mapping_without_anybody_is_refused() -> None:
    assert missing_identity({"City": Field.CITY, "x": None}) is not None
    assert missing_identity({"Phone": Field.PHONE}) is None
