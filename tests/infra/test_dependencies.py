"""What the app is made of is pinned, listed, and under licences that anybody can live with."""

from __future__ import annotations

import re
from email.message import Message

import pytest

from infra.licences import ALLOWED, PAGE, ROOT, Package, closure, licence_of, page, requirements


def listed(text):
    """The packages of a page."""
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \| (yes|) ?\| (.+) \|$", text, re.MULTILINE)
    return [Package(name, version, pinned == "yes", licence) for name, version, pinned, licence in rows]


LISTED = {package.name: package for package in listed(PAGE.read_text(encoding="utf-8"))}
INSTALLED = {package.name: package for package in closure()}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_to_one_version(file):
    """With ==, and without a star."""
    for requirement in requirements(ROOT / file):
        [pin] = requirement.specifier
        assert pin.operator == "==", requirement
        assert "*" not in pin.version, requirement


def test_every_package_that_is_installed_is_listed_with_its_licence():
    """`python -m infra.licences` makes the page anew."""
    assert {name: package.licence for name, package in INSTALLED.items()} == {
        name: LISTED[name].licence if name in LISTED else None for name in INSTALLED
    }


def test_the_page_has_the_versions_that_are_pinned():
    """And calls nothing pinned that is not."""
    pins: dict[str, set[str]] = {}
    for requirement in requirements(ROOT / "requirements.txt"):
        [pin] = requirement.specifier
        pins.setdefault(requirement.name.lower(), set()).add(pin.version)
    assert {name for name, package in LISTED.items() if package.pinned} == set(pins)
    for name, versions in pins.items():
        assert LISTED[name].version in versions
        assert INSTALLED[name].version in versions


@pytest.mark.parametrize("package", [*LISTED.values(), *INSTALLED.values()], ids=lambda package: package.name)
def test_its_licence_is_allowed(package):
    """Each that it names."""
    assert package.is_allowed, package.licence


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("(MIT AND PSF-2.0)", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("Other/Proprietary License", False),
        ("", False),
    ],
)
def test_what_is_not_on_the_list_is_not_allowed(licence, allowed):
    """Nor is a package that says nothing."""
    assert Package("a", "1", pinned=False, licence=licence).is_allowed is allowed


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"License-Expression": "MIT", "License": "BSD"}, "MIT"),
        ({"License": "MIT License"}, "MIT"),
        ({"License": "Copyright (c) " + "x" * 90, "Classifier": "License :: OSI Approved :: BSD License"}, "BSD"),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
         "GNU General Public License v3 (GPLv3)"),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_package_says_its_licence_in_one_of_three_ways(metadata, licence):
    """The newest counts."""

    class Installed:
        metadata = Message()

    for name, value in metadata.items():
        Installed.metadata[name] = value
    assert licence_of(Installed) == licence


def test_the_page_that_is_made_is_the_page_that_is_read():
    """The command writes what the tests above look for."""
    assert listed(page([*INSTALLED.values()])) == [*INSTALLED.values()]
    assert len(LISTED) >= len(requirements(ROOT / "requirements.txt"))
    assert all(licence in page([]) for licence in ALLOWED)
