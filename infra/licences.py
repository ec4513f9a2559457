"""Lists what the deployed app is made of: every package that requirements.txt brings, its version and its licence.

The packages are read where they are installed, with what each says of itself; nobody is asked over the network. The
page says what was there when it was made: what requirements.txt names is pinned, what those packages ask for is not.

    python -m infra.licences
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "dependencies.md"

ALLOWED: Final = frozenset(
    {"Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
)
"""Licences that ask of whoever deploys the app no more than to keep their text, and of MPL, changes to its files."""

_SPELT: Final = {
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""Other spellings, in small letters, of what packages say."""
_CLASSIFIER: Final = "License :: "
_LONGEST: Final = 40  # characters; what is longer is a licence's text

_HEAD: Final = """\
# Dependencies

What the deployed app is made of: the packages of requirements.txt, and what they bring. Made by
`python -m infra.licences`; a test fails where a package is missing here, where its licence changed, or where it is none
of {allowed}.

Pinned packages are installed in this version and no other. The others are installed in a version that the pinned ones
allow, so theirs is the one of the day this page was made; a deployment package holds the `dist-info` of each.

| package | version | pinned | licence |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package. `licence` is an SPDX expression, or empty where the package says nothing that is known."""

    name: str
    version: str
    pinned: bool
    licence: str

    @property
    def is_allowed(self) -> bool:
        """Whether every licence that it names is."""
        named = re.findall(r"[^\s()]+", re.sub(r"\b(AND|OR)\b", " ", self.licence))
        return bool(named) and set(named) <= ALLOWED


def requirements(file: Path) -> list[Requirement]:
    """The requirements that a file names itself, those for other versions of Python among them."""
    lines = [line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def closure() -> list[Package]:
    """What requirements.txt brings in this environment, by name.

    Raises:
        PackageNotFoundError: something of it is not installed.
    """
    asked = [one for one in requirements(ROOT / "requirements.txt") if one.marker is None or one.marker.evaluate()]
    pinned = {canonicalize_name(one.name) for one in asked}
    found: dict[str, Package] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while asked:
        one = asked.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        installed = distribution(name)
        found[name] = Package(name, installed.version, name in pinned, licence_of(installed))
        asked += _needs(installed, extras)
    return sorted(found.values(), key=lambda package: package.name)


def licence_of(installed: Distribution) -> str:
    """The licence that a package states: by expression, else by a short field, else by its classifiers."""
    expression = installed.metadata["License-Expression"]
    if expression:
        return expression
    field = (installed.metadata["License"] or "").strip()
    if field and len(field) <= _LONGEST and "\n" not in field:
        return _SPELT.get(field.lower(), field)
    classifiers = installed.metadata.get_all("Classifier") or []
    titles = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith(_CLASSIFIER)]
    return " AND ".join([_SPELT.get(title.lower(), title) for title in titles])


def page(packages: list[Package]) -> str:
    """The page, in Markdown."""
    rows = [f"| {each.name} | {each.version} | {'yes' if each.pinned else ''} | {each.licence} |" for each in packages]
    return _HEAD.format(allowed=", ".join(sorted(ALLOWED))) + "\n".join(rows) + "\n"


def _needs(installed: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in installed.requires or ():
        needed = Requirement(text)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield needed


def main() -> int:
    """Write the page; returns the exit code, 1 where a licence is not allowed."""
    packages = closure()
    PAGE.write_text(page(packages), encoding="utf-8")
    refused = [package for package in packages if not package.is_allowed]
    for package in refused:
        print(f"{package.name} {package.version}: {package.licence or 'no licence'} is not allowed", file=sys.stderr)
    print(f"{PAGE.relative_to(ROOT)}: {len(packages)} packages")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
