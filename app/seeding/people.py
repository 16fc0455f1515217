"""Invented people for the demo: names, e-mail addresses that go nowhere, valid phone numbers."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import phonenumbers

NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "PT": (
        ("Maria", "Ana", "João", "Tiago", "Inês", "Catarina", "Pedro", "Marta", "Rita", "Miguel",
         "Beatriz", "Leonor", "Duarte", "Filipa", "Gonçalo", "Carolina"),
        ("Silva", "Santos", "Ferreira", "Albuquerque de Sousa", "Pinto", "Carvalho", "Gomes",
         "Rocha", "Figueiredo", "Lopes", "Marques", "do Céu Pinto", "Mendonça", "Araújo"),
    ),
    "NL": (
        ("Noor", "Daan", "Sanne", "Bram", "Lotte", "Jip", "Emma", "Sem", "Fleur", "Thijs",
         "Mila", "Ruben", "Yasmin", "Şükrü", "Joost"),
        ("de Vries", "van den Heuvel", "Jansen", "Bakker", "Visser", "Öztürk", "van der Meer",
         "Mulder", "de Wit", "Smit", "van den Heuvel-Abdelkader", "Verhagen", "Dekker"),
    ),
    "KE": (
        ("Wanjiku", "Otieno", "Achieng", "Kamau", "Njeri", "Mwangi", "Akinyi", "Kiprono", "Zawadi",
         "Baraka", "Faith", "Grace", "Peter", "Fatuma"),
        ("Mwangi", "Odhiambo", "Kariuki", "Wambui", "Ochieng", "Njoroge", "Hassan", "Kiplagat",
         "Mutua", "Wekesa", "Abdi", "Chebet"),
    ),
    "US": (
        ("James", "Maria", "Tyler", "Ashley", "José", "Brianna", "Wei", "Olivia", "Marcus",
         "Hannah", "Diego", "Siobhán", "Kayla", "Ethan", "Priya"),
        ("Smith", "Johnson", "Rivera", "O'Connor", "Nguyen", "Williams", "Kim", "Cohen", "Garcia",
         "Ní Dhomhnaill", "Achterberg", "Brown", "Patel", "Kowalski"),
    ),
    "DE": (
        ("Anna", "Lukas", "Mia", "Jürgen", "Emma", "Leon", "Ayşe", "Felix", "Käthe", "Paul",
         "Greta", "Zofia", "Emil", "Lina", "Annelise"),
        ("Müller", "Schmidt", "Weiß", "Yılmaz", "Fischer", "Szczęsna-Wójcik", "Schäfer", "Koch",
         "Groß", "Hofmann", "Østergaard", "Krüger", "Lange", "Böhm"),
    ),
    "AU": (
        ("Olivia", "Jack", "Charlotte", "Noah", "Mei", "Thảo", "Liam", "Arjun", "Isla", "Cooper",
         "Amelia", "William", "Yui", "Mia", "Ελισάβετ"),
        ("Smith", "Nguyen", "Chen", "Taylor", "Singh", "Lê", "Κωνσταντίνου", "Yamamoto", "Walker",
         "Brown", "O'Brien", "Wilson", "Papadopoulos"),
    ),
}  # fmt: skip

STREETS: dict[str, tuple[str, ...]] = {
    "PT": ("Rua Augusta", "Avenida da Liberdade", "Rua das Flores", "Travessa do Alecrim"),
    "NL": ("Prinsengracht", "Mathenesserlaan", "Kinkerstraat", "Oude Delft"),
    "KE": ("Ngong Road", "Kenyatta Avenue", "Lenana Road", "Riverside Drive"),
    "US": ("Bedford Avenue", "Atlantic Avenue", "5th Avenue", "Union Street"),
    "DE": ("Torstraße", "Kastanienallee", "Karl-Marx-Allee", "Bergmannstraße"),
    "AU": ("George Street", "King Street", "Pitt Street", "Crown Street"),
}
PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "PT": (("Lisboa", "1100-053"), ("Almada", "2800-015"), ("Sintra", "2710-590")),
    "NL": (("Amsterdam", "1016 GZ"), ("Haarlem", "2011 RD"), ("Rotterdam", "3021 HR")),
    "KE": (("Nairobi", "00100"), ("Kiambu", "00900"), ("Thika", "01000")),
    "US": (("Brooklyn", "11211"), ("Queens", "11101"), ("Jersey City", "07302")),
    "DE": (("Berlin", "10119"), ("Potsdam", "14467"), ("Bernau", "16321")),
    "AU": (("Sydney", "2000"), ("Parramatta", "2150"), ("Newcastle", "2300")),
}


def full_name(random: Random, country: str) -> str:
    """An invented name as people of the country are called."""
    first, last = NAMES[country]
    return f"{random.choice(first)} {random.choice(last)}"


def phones(random: Random, country: str) -> Iterator[str]:
    """Valid mobile numbers of the country (E.164), each once."""
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        raise LookupError(country)
    digits = str(example.national_number)
    seen: set[str] = set()
    while True:
        number = digits[:-6] + f"{random.randrange(10**6):06d}"
        candidate = phonenumbers.PhoneNumber(example.country_code, int(number))
        text = phonenumbers.format_number(candidate, phonenumbers.PhoneNumberFormat.E164)
        if text not in seen and phonenumbers.is_valid_number(candidate):
            seen.add(text)
            yield text


def birthday(random: Random, today: date) -> date:
    """A day of birth of somebody between 18 and 80."""
    return today - timedelta(days=random.randrange(18 * 365, 80 * 365))
