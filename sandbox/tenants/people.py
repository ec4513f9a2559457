"""People to fill a tenant with: Microsoft's sample company, and any number of plausible strangers.

Pure data and a seeded generator; the domain, the ids' prefix and the seed are given, so the same call
gives the same people on every machine. It knows nothing of directories.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.tenants.wire import JsonObject


@dataclass(frozen=True, slots=True)
class Place:
    """An office: its address and the country's dialling code."""

    city: str
    state: str
    country: str
    code: str  # ISO 3166-1 alpha-2
    street: str
    postal_code: str
    dialling: str
    language: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person as a directory would hold them; `manager` is another person's alias."""

    alias: str
    given_name: str
    surname: str
    department: str
    job_title: str
    place: Place
    employee_id: str
    manager: str | None
    desk: int  # makes phone numbers and office numbers

    def user(self, domain: str, object_id: str) -> JsonObject:
        """The person as properties of a Graph user."""
        address = f"{self.alias}@{domain}"
        return {
            "id": object_id,
            "accountEnabled": True,
            "displayName": f"{self.given_name} {self.surname}",
            "givenName": self.given_name,
            "surname": self.surname,
            "userPrincipalName": address,
            "mail": address,
            "mailNickname": self.alias,
            "jobTitle": self.job_title,
            "department": self.department,
            "companyName": "Contoso",
            "employeeId": self.employee_id,
            "officeLocation": f"{self.desk // 100 % 90 + 10}/{self.desk % 9000 + 1000}",
            "streetAddress": self.place.street,
            "city": self.place.city,
            "state": self.place.state,
            "postalCode": self.place.postal_code,
            "country": self.place.country,
            "usageLocation": self.place.code,
            "preferredLanguage": self.place.language,
            "businessPhones": [f"{self.place.dialling} 555 01{self.desk % 100:02d}"],
            "mobilePhone": f"{self.place.dialling} 555 {self.desk % 10000:04d}",
        }


_REDMOND = Place("Redmond", "WA", "United States", "US", "4567 Main St", "98052", "+1 425", "en-US")
_PITTSBURGH = Place("Pittsburgh", "PA", "United States", "US", "20 Forbes Ave", "15222", "+1 412", "en-US")
_DENVER = Place("Denver", "CO", "United States", "US", "9 Larimer Sq", "80202", "+1 303", "en-US")
_TULSA = Place("Tulsa", "OK", "United States", "US", "7633 E 63rd Pl", "74133", "+1 918", "en-US")
_LONDON = Place("London", "England", "United Kingdom", "GB", "12 Wharf Road", "N1 7GR", "+44 20", "en-GB")
_MUNICH = Place("München", "Bayern", "Germany", "DE", "Uferweg 3", "80331", "+49 89", "de-DE")
_PARIS = Place("Paris", "Île-de-France", "France", "FR", "8 rue du Quai", "75002", "+33 1", "fr-FR")
_MADRID = Place("Madrid", "Madrid", "Spain", "ES", "Calle Clara 21", "28004", "+34 91", "es-ES")
_TOKYO = Place("Tokyo", "Tokyo", "Japan", "JP", "2-3 Konan", "108-0075", "+81 3", "ja-JP")
_SYDNEY = Place("Sydney", "NSW", "Australia", "AU", "1 Bay Street", "2000", "+61 2", "en-AU")
PLACES = (_REDMOND, _PITTSBURGH, _DENVER, _TULSA, _LONDON, _MUNICH, _PARIS, _MADRID, _TOKYO, _SYDNEY)

# alias, given name, surname, department, job title, place, manager
_CONTOSO = (
    ("PattiF", "Patti", "Fernandez", "Executive Management", "President", _PITTSBURGH, None),
    ("MiriamG", "Miriam", "Graham", "Sales & Marketing", "VP Marketing", _DENVER, "PattiF"),
    ("BrianJ", "Brian", "Johnson", "Operations", "VP Operations", _REDMOND, "PattiF"),
    ("NestorW", "Nestor", "Wilke", "Operations", "Director", _REDMOND, "BrianJ"),
    ("MeganB", "Megan", "Bowen", "Marketing", "Marketing Manager", _PITTSBURGH, "MiriamG"),
    ("AlexW", "Alex", "Wilber", "Marketing", "Marketing Assistant", _DENVER, "MeganB"),
    ("AdeleV", "Adele", "Vance", "Retail", "Retail Manager", _REDMOND, "MiriamG"),
    ("LynneR", "Lynne", "Robbins", "Retail", "Planner", _TULSA, "AdeleV"),
    ("IsaiahL", "Isaiah", "Langer", "Sales", "Sales Rep", _TULSA, "MiriamG"),
    ("JohannaL", "Johanna", "Lorenz", "Engineering", "Senior Engineer", _MUNICH, "NestorW"),
    ("LidiaH", "Lidia", "Holloway", "Engineering", "Product Manager", _TULSA, "NestorW"),
    ("PradeepG", "Pradeep", "Gupta", "Finance", "Accountant", _REDMOND, "PattiF"),
    ("JoniS", "Joni", "Sherman", "Legal", "Paralegal", _DENVER, "GradyA"),
    ("HenriettaM", "Henrietta", "Mueller", "Engineering", "Developer", _MUNICH, "LidiaH"),
    ("DiegoS", "Diego", "Siciliani", "HR", "HR Manager", _MADRID, "PattiF"),
    ("LeeG", "Lee", "Gu", "Manufacturing", "Director", _TOKYO, "BrianJ"),
    ("GradyA", "Grady", "Archie", "Legal", "General Counsel", _REDMOND, "PattiF"),
    ("DebraB", "Debra", "Berger", "Executive Management", "Administrative Assistant", _PITTSBURGH, "PattiF"),
    ("ChristieC", "Christie", "Cline", "Sales", "Buyer", _LONDON, "IsaiahL"),
    ("AllanD", "Allan", "Deyoung", "IT", "IT Admin", _REDMOND, "BrianJ"),
    ("BiancaP", "Bianca", "Pisani", "Manufacturing", "Plant Supervisor", _PARIS, "LeeG"),
    ("CameronW", "Cameron", "White", "Marketing", "Copywriter", _SYDNEY, "MeganB"),
    ("DeliaD", "Delia", "Dennis", "HR", "Recruiter", _LONDON, "DiegoS"),
    ("GerhartM", "Gerhart", "Moller", "Engineering", "Test Engineer", _MUNICH, "JohannaL"),
    ("RaulR", "Raul", "Razo", "Finance", "Controller", _MADRID, "PradeepG"),
)


def contoso() -> tuple[Person, ...]:
    """The 25 people of Microsoft's sample tenant, managers and all."""
    return tuple(
        Person(alias, given, surname, department, title, place, f"{1000 + number}", manager, 100 + 37 * number)
        for number, (alias, given, surname, department, title, place, manager) in enumerate(_CONTOSO)
    )


_GIVEN_NAMES = (
    "Ada Aisha Akira Alma Amir Ana Andre Anja Arjun Astrid Bao Bela Berit Bruno Carla Cem Chloe Daan "
    "Dalia Dario Deepa Dmitri Dora Ebba Eduardo Eila Elif Emeka Enzo Esther Farid Fatou Felix Fiona "
    "Franz Gita Goran Greta Hana Hugo Ilse Imani Ines Ivo Jamal Jana Jonas Julia Kaito Karim Katya Kofi "
    "Lars Leila Lena Luca Mai Malik Marek Marta Mei Milan Mina Nadia Nils Noor Olga Omar Oskar Paula "
    "Pavel Petra Priya Quentin Rafael Rania Rosa Ruben Sana Sara Selim Sofia Stefan Sunita Tadeo Tara "
    "Theo Tomas Uma Vera Viktor Wanda Xavier Yara Yusuf Zane Zoe Zofia Łucja Øystein Élodie"
)
_GIVEN = tuple(_GIVEN_NAMES.split())
_FAMILY_NAMES = (
    "Abbott Acker Adeyemi Almeida Andersen Arslan Bakker Banerjee Barros Bauer Becker Bianchi Blanc "
    "Brandt Campos Carlsen Castro Chandra Chen Cohen Costa Dahl Dubois Eriksen Farouk Fischer Fontaine "
    "Garcia Gomez Haas Haddad Hansen Hoang Horvat Ito Ivanova Jansen Jensen Kaya Keller Khan Kim Kovac "
    "Kowalski Kumar Lang Larsen Lehmann Lima Lopez Maier Mancini Martin Mbeki Mendes Mensah Meyer "
    "Moreau Mori Nagy Nakamura Navarro Nguyen Novak Nowak Okafor Olsen Ortega Osei Park Patel Pereira "
    "Petrov Pham Popescu Rao Reyes Ricci Rossi Roux Sato Schmid Silva Singh Sorensen Suzuki Tanaka "
    "Torres Tran Urban Vargas Vidal Vogel Weber Wolf Yamada Yilmaz Zhang Zimmermann O'Neill"
)
_FAMILY = tuple(_FAMILY_NAMES.split())
_DEPARTMENTS = {
    "Engineering": ("Developer", "Test Engineer", "Senior Engineer", "Architect"),
    "Sales": ("Sales Rep", "Account Manager", "Buyer"),
    "Marketing": ("Copywriter", "Marketing Assistant", "Analyst"),
    "Finance": ("Accountant", "Controller", "Auditor"),
    "HR": ("Recruiter", "HR Specialist"),
    "Operations": ("Planner", "Coordinator", "Supervisor"),
    "Legal": ("Paralegal", "Counsel"),
    "Retail": ("Store Manager", "Planner"),
    "Manufacturing": ("Plant Supervisor", "Technician", "Operator"),
    "IT": ("IT Admin", "Support Engineer"),
}
_ASCII = str.maketrans({"Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "É": "E", "é": "e", "'": ""})
_SPAN = 8  # each manager leads about this many


def strangers(count: int, seed: int, *, first: int = 0) -> Iterator[Person]:
    """`count` distinct people; aliases and employee ids are unique for one seed.

    `first` numbers them, so that a second call goes on where the first one ended. Managers form a tree
    that only points to people made before.
    """
    stream = random.Random(f"{seed}:people")
    departments = tuple(_DEPARTMENTS)
    aliases: list[str] = []
    for number in range(count):
        given, family = stream.choice(_GIVEN), stream.choice(_FAMILY)
        department = stream.choice(departments)
        alias = f"{given}.{family}.{first + number:x}".translate(_ASCII).lower()
        manager = aliases[(number - 1) // _SPAN] if number else None
        aliases.append(alias)
        yield Person(
            alias,
            given,
            family,
            department,
            stream.choice(_DEPARTMENTS[department]) if number >= _SPAN else "Director",
            stream.choice(PLACES),
            f"{10000 + first + number}",
            manager,
            stream.randrange(100_000),
        )


def person_id(tenant_id: str, alias: str) -> str:
    """The object id of a person in a tenant: the same on every machine."""
    return str(uuid.uuid5(uuid.UUID(tenant_id), alias.lower()))
