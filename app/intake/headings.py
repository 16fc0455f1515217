"""Column headers: which one names which field, in the spellings of many programs and languages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.intake import shapes
from models.contact import fold
from models.imports import Field

# The words of each field, the better ones first: where two columns name one field, the
# earlier word wins. Written without case, accents, blanks and punctuation.
_WORDS: dict[Field, str] = {
    Field.FULL_NAME: """fullname name customername clientname contactname displayname kundenname
        kunde klant klantnaam naam nom nomcomplet nomduclient nombre nombrecompleto nombrecliente
        nomecompleto nome nomecognome nomecliente namn fullstandigtnamn navn fuldenavn kundenavn
        kundnamn nazwa imieinazwisko imienazwisko adsoyad adisoyadi isim vollstandigername client
        cliente customer contact kontakt kontaktname kontaktperson contactpersoon contacto contatto
        contato ansprechpartner nimi koko nimi jmeno celejmeno jmenoaprijmeni klient kontrahent
        musteri musteriadi person personname member membername patient patientname guest guestname
        petowner petownername vornameundnachname vornamenachname namevorname
        namevornamen nachnamevorname nomprenom nometprenom prenometnom nombreyapellidos
        nombreapellidos apellidosynombre voorenachternaam lastnamefirstname lastfirst firstlast
        firstandlastname imie_nazwisko имя фио клиент имяифамилия 姓名 氏名 名前 이름 ονοματεπωνυμο
        fileas tenkhachhang hoten""",
    Field.FIRST_NAME: """firstname givenname forename fname first vorname rufname prenom prenoms
        voornaam nombredepila primernombre nombres primeironome nomeproprio nomedebatismo
        fornamn fornavn imie etunimi ad adi isminiz krestnijmeno krestni имя keresztnev ονομα
        名 nomebatismo prenume ime firstnames""",
    Field.LAST_NAME: """lastname familyname surname lname last nachname familienname zuname
        nomdefamille achternaam familienaam apellido apellidos primerapellido sobrenome apelido
        ultimonome cognome efternamn efternavn etternavn nazwisko sukunimi soyad soyadi soyisim
        prijmeni фамилия vezeteknev επωνυμο 姓 nume prezime secondname""",
    Field.COMPANY: """company companyname organization organisation organizationname
        organisationname organization1name business businessname firma firmenname
        firmaname unternehmen firmabezeichnung societe nomdelasociete entreprise raisonsociale
        bedrijf bedrijfsnaam empresa nombreempresa nombredelaempresa razonsocial companhia
        nomedaempresa razaosocial azienda ragionesociale societa foretag foretagsnamn virksomhed
        virksomhedsnavn bedrift firmanavn nazwafirmy yritys sirket sirketadi spolecnost
        nazevfirmy relatedcompany parentcompany accountname employer arbeitgeber компания
        организация 会社名 公司 kurum compania companynames org clientcompany""",
    Field.EMAIL: """email emailaddress mail emailid email1 email1value emailaddress1
        email1address primaryemail primaryemailaddress emailprimary mailaddress mailadresse emailadresse
        epost epostadress epostadresse eposta epostaadresi courriel adressecourriel adressemail
        adresseemail adresseelectronique correo correoelectronico direcciondecorreo
        direcciondecorreoelectronico emailadres mailadres enderecodeemail
        indirizzoemail indirizzomail postaelettronica posta adresemail adrespocztyelektronicznej poczta
        sahkoposti sahkopostiosoite adresaemail emailpersonal personalemail homeemail emailhome
        privatemail privateemail businessemail workemail emailwork kontaktemail contactemail
        subscriberemail loginemail почта электроннаяпочта эпочта メール メールアドレス 邮箱 电子邮件 emailcim
        ηλεκτρονικηδιευθυνση subscriberemail correoe""",
    Field.PHONE: """phone phonenumber phoneno phone1 phone1value telephone telephonenumber tel telno
        telnr telefon telefonnummer telefonnr telefono telefoon telefoonnummer telefone
        mobilephonenumber mobilephoneno mobiltelefonnummer ndetelephone ndetelefono notelephone
        numerodetelephone numerotelephone numerodetelefono numerodetelefone numeroditelefono
        numertelefonu nrtelefonu telefonnumarasi telefonni telefonnicislo telefoni puhelin puhelinnumero
        mobile mobilephone mobilenumber mobileno mobil mobilnummer mobiltelefon
        mobilnr handy handynummer telmobiel mobiel mobielnummer mobieltelefoon mobieletelefoon
        gsm gsmnummer portable telephoneportable telportable mobiletelephone movil telefonomovil
        celular telefonocelular telemovel telefonecelular cellulare telefonocellulare cellphone
        cell cellnumber cellphonenumber komorka telefonkomorkowy komorkowy matkapuhelin ceptelefonu
        ceptel phonemobile phone1number primaryphone primaryphonenumber homephone phonehome
        privatephone telefonprivat
        telefonmobil telefonmobilny mainphone contactphone contactnumber phoneprimary
        businessphone workphone phonework officephone otherphone smsphonenumber smsphone
        телефон мобильныйтелефон номертелефона 電話番号 电话 手机 telefonszam τηλεφωνο kinito ponumber
        whatsapp whatsappnumber sms smsnumber defaultaddressphone""",
    Field.PHONE_2: """phone2 phone2value secondphone secondaryphone phonenumber2 telephone2 tel2
        telefon2 telefono2 telefone2 telefoon2 alternativephone alternatephone altphone mobile2
        additionalphone zweittelefon autretelephone otrotelefono""",
    Field.LINE1: """address1 addressline1 address street streetaddress streetaddress1 street1
        address1street addressstreet line1 street1address addressfull fulladdress strasse str strassehausnummer
        strasseundhausnummer strassenr anschrift adresse adresse1 adressezeile1 adresszeile1 rue
        adresseligne1 adressepostale direccion direccion1 calle domicilio endereco endereco1 rua morada
        logradouro indirizzo indirizzo1 via adres adres1 adresregel1 straat straatnaam
        straatenhuisnummer adress adress1 gatuadress gata gade vej gateadresse vejnavn ulica
        adreszamieszkania osoite katuosoite adresi adressatiri1 ulice adresa улица адрес
        住所 地址 lakcim διευθυνση addressstreet1 adresseligne""",
    Field.LINE2: """address2 addressline2 street2 streetaddress2 line2 apt
        apartment aptsuite aptunit suite unit addressextended address1extendedaddress extendedaddress adresszusatz
        adresse2 adressezusatz adressezeile2 adresszeile2 complementadresse complementdadresse
        adresseligne2 direccion2 complemento endereco2 indirizzo2 adresregel2 adres2 toevoeging
        adress2 adressatiri2 address2line""",
    Field.CITY: """city town cityname locality address1city addresscity ort stadt wohnort ville
        commune localite ciudad localidad poblacion municipio cidade localidade citta comune
        localita plaats woonplaats stad gemeente postort by poststed miasto miejscowosc
        kaupunki postitoimipaikka sehir il ilce mesto obec город 市区町村 城市 varos πολη
        towncity citytown suburb""",
    Field.REGION: """state province region stateprovince provincestate staterovince statecode
        provincecode stateregion county address1region address1state addressstate bundesland kanton
        departement etat estado provincia regiao distrito regione provincie
        lan landsdel fylke wojewodztwo maakunta bolge область регион 都道府県 省
        estadoprovincia stateabbr stateorprovince stateterritory stateprovinceregion""",
    Field.POSTAL_CODE: """zip zipcode postalcode postcode zippostalcode postalzip postalzipcode zippostal
        addresszip addresspostalcode address1postalcode address1zip plz postleitzahl
        codepostal cp codigopostal cep codigodepostal cap codiceavviamentopostale postnummer postnr
        kodpocztowy kodpoczt postinumero postakodu psc postalcodezip pincode pin zipcode5
        индекс почтовыйиндекс 郵便番号 邮编 iranyitoszam ταχυδρομικοςκωδικας code_postal""",
    Field.COUNTRY: """country countrycode countryname countryregion countryiso address1country
        addresscountry land landcode landname staat pays pais nazione paese stato kraj panstwo maa
        ulke zeme stat страна 国 国家 orszag χωρα countryregioncode""",
    Field.BIRTHDAY: """birthday birthdate dateofbirth dob birthdayfull born bday geburtstag
        geburtsdatum gebdatum geb gebdat datedenaissance naissance anniversaire ddn fechadenacimiento
        fechanacimiento nacimiento cumpleanos datadenascimento nascimento aniversario
        datadinascita datanascita nascita compleanno geboortedatum gebdat geboren verjaardag
        fodelsedatum fodelsedag fodd fodselsdato fodselsdag dataurodzenia urodziny syntymaaika
        dogumtarihi dogumgunu datumnarozeni narozeniny датарождения деньрождения 生年月日 出生日期
        szuletesidatum ημερομηνιαγεννησης""",
    Field.TAGS: """tags tag labels label groupmembership groups group categories category
        customertags customertag customergroup customergroups segments segment lists keywords
        schlagworte schlagwort gruppe gruppen kategorie kategorien etiketten etiquettes
        etiquette groupe groupes categorie etiquetas etiqueta grupo grupos gruppo gruppi
        etichette categoria trefwoorden groep groepen taggar etykiety tagi grupa grupy
        etiketler etiket stitky тэги теги метки 标签 contactgroup contactgroups kundengruppe""",
    Field.STATUS: """status customerstatus contactstatus clientstatus active isactive kundenstatus
        aktiv statut actif estado_cliente activo ativo attivo stato_cliente actief aktywny
        durum accountstatus memberstatus статус enabled""",
    Field.MARKETING_EMAIL: """acceptsemailmarketing acceptsmarketing emailmarketing marketingemail
        emailmarketingconsent emailoptin optinemail newsletter newslettersubscription subscribed
        subscribedtonewsletter newslettersubscribed acceptsemails emailconsent emailsubscriberstatus
        emailsubscriptionstatus emailmarketingstatus marketing marketingconsent marketingoptin
        nieuwsbrief bulletin infolettre lettredinformation boletin boletindenoticias boletim
        infolettera nyhetsbrev nyhedsbrev biuletyn uutiskirje bulten рассылка marketingbyemail
        newsletterabo newsletteranmeldung werbungperemail emailwerbung agreedtonewsletter
        marketingallowed receivesnewsletter receivesemails""",
    Field.MARKETING_SMS: """acceptssmsmarketing smsmarketing marketingsms smsmarketingconsent
        smsoptin optinsms smsconsent smssubscriberstatus smsmarketingstatus textmarketing
        acceptssms marketingbysms werbungpersms smswerbung smsnewsletter receivessms
        smssubscriptionstatus""",
    Field.NOTE: """note notes comment comments remark remarks memo description bemerkung
        bemerkungen notiz notizen kommentar kommentare anmerkung anmerkungen remarque remarques
        commentaire commentaires nota notas comentario comentarios observaciones observacion
        observacoes observacao osservazioni opmerking opmerkingen notitie notities anteckning
        anteckningar bemaerkning bemaerkninger notat notater uwagi notatki muistiinpanot notlar not
        aciklama poznamka poznamky заметки примечание комментарий 備考 备注 customernote
        customernotes internalnote internalnotes annotations""",
}
_LEFT_OUT = re.compile(
    r"passw|pass$|kennwort|passwort|motdepasse|contrasena|wachtwoord|senha|haslo|losen|sifre|пароль"
    r"|token|secret|iban|creditcard|cardnumber|ssn|socialsecurity"
)
# Words that say whose or which: "Billing City", "Home Phone". The number is how far
# behind the plain word such a column stands; the same number keeps one address together.
_QUALIFIERS: dict[str, int] = {
    "customer": 1, "client": 1, "contact": 1, "contacts": 1, "kunden": 1, "primary": 1, "main": 1,
    "default": 1, "defaultaddress": 1, "current": 1, "personal": 1, "your": 1, "user": 1,
    "member": 1, "person": 1, "customers": 1, "lead": 1, "profile": 1, "mailing": 1,
    "address1": 1, "partner": 1, "patient": 1, "guest": 1, "account": 1, "subscriber": 1,
    "home": 2, "privat": 2, "private": 2, "billing": 2, "rechnung": 2, "rechnungs": 2,
    "facturation": 2, "facturacion": 2, "invoice": 2, "bill": 2, "billto": 2, "fatura": 2,
    "factuur": 2, "fatturazione": 2, "permanent": 2, "residential": 2, "primaryaddress": 2,
    "work": 3, "business": 3, "office": 3, "geschaftlich": 3, "company": 3, "organization": 3,
    "address2": 4, "shipping": 4, "liefer": 4, "delivery": 4, "livraison": 4, "envio": 4,
    "ship": 4, "shipto": 4, "other": 5, "secondary": 5, "alternate": 5, "alternative": 5,
    "second": 5, "address3": 6,
}  # fmt: skip
ADDRESS = (
    Field.LINE1,
    Field.LINE2,
    Field.CITY,
    Field.REGION,
    Field.POSTAL_CODE,
    Field.COUNTRY,
)
_ONLY_QUALIFIED = {"code": (Field.POSTAL_CODE, 99)}  # "Billing Code"
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_NOT_A_WORD = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Heading:
    """What a header says: the field, how good a word for it, and of which kind ("billing")."""

    field: Field
    rank: int
    qualifier: str = ""

    @property
    def distance(self) -> int:
        """How far from the plain word the header is."""
        return _QUALIFIERS.get(self.qualifier, 0)


def compact(header: str) -> str:
    """A header without case, accents, hints in brackets, blanks and punctuation."""
    without_hints = _BRACKETS.sub(" ", header)
    return _NOT_A_WORD.sub("", fold(without_hints)) or _NOT_A_WORD.sub("", fold(header))


_RANKS: dict[str, tuple[Field, int]] = {}
for _field, _spellings in _WORDS.items():
    for _rank, _spelling in enumerate(_spellings.split()):
        _RANKS.setdefault(compact(_spelling), (_field, _rank))


@lru_cache(maxsize=4096)
def heading(header: str) -> Heading | None:
    """What a header names, or None when it is no word we know."""
    if len(header) > 100:
        return None
    word = compact(header)
    if _LEFT_OUT.search(word):
        return None
    return _known(word) or _either_of(header) or _qualified(word)


def _known(word: str) -> Heading | None:
    found = _RANKS.get(word)
    return Heading(*found) if found else None


def _either_of(header: str) -> Heading | None:
    """ "Province/State", "E-Mail / Courriel": all parts that are known say the same."""
    parts = [part for part in re.split(r"[/|]| or | oder | ou ", header) if compact(part)]
    if len(parts) < 2:
        return None
    words = [compact(part) for part in parts]
    known = [found for word in words if (found := _known(word) or _qualified(word))]
    if len({found.field for found in known}) != 1:
        return None
    return max(known, key=lambda found: found.qualifier)  # "Mailing Zip/Postal Code"


def _qualified(word: str) -> Heading | None:
    """ "BillingStreet", "Address 2 - City", "E-mail 1 - Value": a known word and whose it is."""
    for cut in range(len(word) - 1, 1, -1):
        for qualifier, rest in ((word[:cut], word[cut:]), (word[-cut:], word[:-cut])):
            if qualifier not in _QUALIFIERS:
                continue
            if found := _RANKS.get(rest) or _ONLY_QUALIFIED.get(rest):
                return _with_qualifier(found, qualifier)
    return None


def _with_qualifier(found: tuple[Field, int], qualifier: str) -> Heading | None:
    field, rank = found
    if field in {Field.STATUS, Field.TAGS, Field.NOTE} and _QUALIFIERS[qualifier] > 1:
        return None
    if field is Field.FULL_NAME and qualifier in {"user", "account"}:
        return None
    return Heading(field, rank, qualifier)


def is_forbidden(header: str) -> bool:
    """Whether a column is left out whatever it holds: passwords and the like."""
    return _LEFT_OUT.search(compact(header)) is not None


def tokens(header: str) -> list[str]:
    """The folded words of a header: "ContactEMail" is contact, e, mail."""
    spaced = _CAMEL.sub(" ", _BRACKETS.sub(" ", header))
    return [word for word in _NOT_A_WORD.split(fold(spaced)) if word]


def find_header(rows: Sequence[tuple[str, ...]], strict: bool = False) -> int | None:
    """Which of the first rows names the columns, None if none does.

    Known words decide; else the first full row, if it looks unlike what stands below it.
    With `strict` only known words count.
    """
    best, best_score = None, 0.0
    for index, cells in enumerate(rows[:20]):
        score = _header_score(cells)
        if score > best_score:
            best, best_score = index, score
    if best is not None and best_score >= 1:
        return best
    return None if strict else _unlike_the_rest(rows)


def _header_score(cells: tuple[str, ...]) -> float:
    """How many cells are known words; a row that holds data is no header."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or any(shapes.is_data(cell) for cell in filled):
        return 0.0
    known = sum(1 for cell in filled if heading(cell))
    if len(filled) > 1 and len(cells) > 2 and known < max(2, len(filled) * 0.1):
        return 0.0 if known == 0 else 0.5
    if len(filled) == 1 and len(cells) > 1:
        return 0.0
    return float(known)


def _unlike_the_rest(rows: Sequence[tuple[str, ...]]) -> int | None:
    width = max((_filled(cells) for cells in rows[:50]), default=0)
    first = next((i for i, c in enumerate(rows[:20]) if _filled(c) >= max(1, 0.7 * width)), None)
    if first is None or first + 1 >= len(rows):
        return None
    cells = [cell.strip() for cell in rows[first]]
    filled = [cell for cell in cells if cell]
    if any(shapes.is_data(cell) for cell in filled):
        return None
    below = rows[first + 1 : first + 101]
    return first if _differs(cells, below) or any(heading(cell) for cell in filled) else None


def _filled(cells: tuple[str, ...]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _differs(cells: Sequence[str], below: Sequence[tuple[str, ...]]) -> bool:
    """Whether some column holds data below a word, or no word ever comes again."""
    typed = 0
    for index, cell in enumerate(cells):
        column = [row[index].strip() for row in below if index < len(row) and row[index].strip()]
        if cell and cell in column:
            return False
        if column and sum(map(shapes.is_data, column)) > 0.6 * len(column):
            typed += 1
    return typed > 0
