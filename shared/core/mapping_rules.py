"""The rules of a mapping, and reading them from configuration with all faults at once.

A rule is checked as far as it can be without a user: the target exists and may be written, attributes that
are read exist, constants fit, values that change by themselves are for creation only. Applying the rules is
in `mapping`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from .attributes import HIDDEN, PropertyType, UserProperty, complaint, find, suggest
from .expressions import Attribute, Compat, Expression, ParseError, Text, Value, parse
from .fitting import Misfit, fit
from .rule_faults import RuleFault, expression_fault

if TYPE_CHECKING:
    from collections.abc import Mapping


class Apply(Enum):
    """When a mapping is applied."""

    ALWAYS = "always"
    ON_CREATE = "onCreate"  # Entra's ObjectAddOnly


class WhenNull(Enum):
    """What an expression without a value does to a user that exists."""

    CLEAR = "clear"
    KEEP = "keep"  # all that Entra can
    DEFAULT = "default"


class Drift(Enum):
    """What becomes of a value that somebody changed in the target."""

    REPAIR = "repair"
    REPORT = "report"
    TARGET_WINS = "targetWins"


@dataclass(frozen=True, slots=True)
class AttributeMapping:
    """One rule: what is written, and from what."""

    written: UserProperty
    expression: Expression
    apply: Apply = Apply.ALWAYS
    when_null: WhenNull = WhenNull.CLEAR
    default: Value = None  # at creation, and with WhenNull.DEFAULT always
    drift: Drift = Drift.REPAIR
    skip_on_error: bool = False
    copied: str | None = field(init=False, compare=False)  # the source attribute, where it is simply taken over

    def __post_init__(self) -> None:
        node = self.expression.node
        object.__setattr__(self, "copied", node.name if isinstance(node, Attribute) else None)

    @property
    def target(self) -> str:
        """The canonical name of what is written."""
        return self.written.name


_Choice = TypeVar("_Choice", bound=Enum)
_KEYS: Final = ("expression", "apply", "whenNull", "default", "drift", "skipOnError", "type")
_EXTENSION_TYPES: Final = {
    "string": PropertyType.TEXT,
    "boolean": PropertyType.BOOLEAN,
    "stringList": PropertyType.TEXT_LIST,
}


def parse_mappings(
    raw: Mapping[str, object], *, compat: Compat = Compat.FIXED
) -> tuple[tuple[AttributeMapping, ...], tuple[RuleFault, ...]]:
    """Rules by target name: an expression, or a mapping with `expression` and the other keys.

    Returns the rules that are right and the faults of the others, with paths such as
    `department.expression`. Under `compat: entra` a value that is gone is kept unless a rule says otherwise.
    """
    rules: list[AttributeMapping] = []
    faults: list[RuleFault] = []
    seen: dict[str, str] = {}
    for name, entry in raw.items():
        reader = _Reader(str(name), entry, compat)
        rule = reader.rule()
        faults += reader.faults
        if rule is None:
            continue
        if rule.target in seen:
            faults.append(RuleFault(str(name), f"{seen[rule.target]} writes the same attribute, {rule.target}"))
            continue
        seen[rule.target] = str(name)
        rules.append(rule)
    return tuple(rules), tuple(faults)


class _Reader:
    """Reads one rule and collects its faults."""

    def __init__(self, name: str, entry: object, compat: Compat) -> None:
        self.name = name
        self.compat = compat
        self.faults: list[RuleFault] = []
        self.entry: dict[str, object] = {}
        if isinstance(entry, str):
            self.entry = {"expression": entry}
        elif isinstance(entry, dict):
            self.entry = {str(key): value for key, value in entry.items()}
            for key in self.entry:
                if key not in _KEYS:
                    self.fault(f".{key}", f"is no setting of a mapping; expected one of {', '.join(_KEYS)}")
        else:
            self.fault("", "must be an expression in quotes, such as '[department]' or '\"Contoso\"'")

    def fault(self, path: str, message: str) -> None:
        self.faults.append(RuleFault(self.name + path, message))

    def rule(self) -> AttributeMapping | None:
        """The rule; None when it has a fault."""
        written = self.target()
        expression = self.expression() if not self.faults or self.entry else None
        apply = self.choice("apply", Apply, Apply.ALWAYS)
        stays = self.compat is Compat.ENTRA or (written is not None and not written.nullable)
        when_null = self.choice("whenNull", WhenNull, WhenNull.KEEP if stays else WhenNull.CLEAR)
        drift = self.choice("drift", Drift, Drift.REPAIR)
        skip = self.entry.get("skipOnError", False)
        if not isinstance(skip, bool):
            self.fault(".skipOnError", "must be true or false")
        default = self.default(written)
        if written is not None and expression is not None:
            self.together(written, expression, apply, when_null, default)
        if self.faults or written is None or expression is None:
            return None
        return AttributeMapping(written, expression, apply, when_null, default, drift, skip_on_error=bool(skip))

    def target(self) -> UserProperty | None:
        kind = self.entry.get("type", "string")
        if not isinstance(kind, str) or kind not in _EXTENSION_TYPES:
            self.fault(".type", f"must be one of {', '.join(_EXTENSION_TYPES)}")
            kind = "string"
        found = find(self.name, extension_type=_EXTENSION_TYPES[kind])
        if found is None:
            reason = HIDDEN.get(self.name)
            self.fault("", reason or f"is no attribute of a user; expected {suggest(self.name)}")
        elif not found.writable:
            self.fault("", "cannot be written by an application")
        elif "type" in self.entry and not found.name.startswith("extension_"):
            self.fault(".type", "is for directory extensions; the types of other attributes are known")
        return found

    def expression(self) -> Expression | None:
        text = self.entry.get("expression")
        if not isinstance(text, str):
            self.fault(".expression", "must be an expression in quotes, such as '[department]'")
            return None
        try:
            expression = parse(text)
        except ParseError as error:
            self.faults.append(expression_fault(f"{self.name}.expression", text, error))
            return None
        for attribute in sorted(expression.attributes):
            unknown = complaint(attribute)
            if unknown:
                self.fault(".expression", unknown)
        return expression

    def choice(self, key: str, choices: type[_Choice], otherwise: _Choice) -> _Choice:
        if key not in self.entry:
            return otherwise
        try:
            return choices(self.entry[key])
        except ValueError:
            self.fault(f".{key}", f"must be one of {', '.join([str(choice.value) for choice in choices])}")
            return otherwise

    def default(self, written: UserProperty | None) -> Value:
        given = self.entry.get("default")
        if given is None:
            return None
        if not isinstance(given, str | bool | int | list):
            self.fault(".default", "must be a text, true or false, or a list of texts")
            return None
        if written is None:
            return None
        fitted = fit(written, given)
        if isinstance(fitted, Misfit):
            self.fault(".default", fitted.reason)
            return None
        return fitted

    def together(
        self,
        written: UserProperty,
        expression: Expression,
        apply: Apply,
        when_null: WhenNull,
        default: Value,
    ) -> None:
        """What only shows when the parts are seen together."""
        if isinstance(expression.node, Text):
            fitted = fit(written, expression.node.value)
            if isinstance(fitted, Misfit):
                self.fault(".expression", f"the constant {fitted.reason}")
        if expression.varies and apply is Apply.ALWAYS:
            self.fault(".apply", f"{expression.varies} gives another value every time; expected onCreate")
        if when_null is WhenNull.DEFAULT and default is None:
            self.fault(".default", "is needed for whenNull: default")
        if when_null is WhenNull.CLEAR and not written.nullable:
            self.fault(".whenNull", f"{written.name} cannot be cleared; expected keep or default")
        if written.type is PropertyType.REFERENCE and (apply is Apply.ON_CREATE or default is not None):
            self.fault("", "a reference is applied always and has no default")


_DEFAULT: Final = {
    "accountEnabled": "[accountEnabled]",
    "displayName": "[displayName]",
    "givenName": "[givenName]",
    "surname": "[surname]",
    "jobTitle": "[jobTitle]",
    "department": "[department]",
    "employeeId": "[employeeId]",
    "physicalDeliveryOfficeName": "[physicalDeliveryOfficeName]",
    "streetAddress": "[streetAddress]",
    "city": "[city]",
    "state": "[state]",
    "postalCode": "[postalCode]",
    "country": "[country]",
    "telephoneNumber": "[telephoneNumber]",
    "preferredLanguage": "[preferredLanguage]",
    "manager": "[manager]",
    "showInAddressList": {"expression": '"true"', "apply": "onCreate"},
    "userType": {"expression": '"Member"', "apply": "onCreate"},
}


def default_mappings(compat: Compat) -> tuple[AttributeMapping, ...]:
    """Entra's default user mapping; `compat` decides what becomes of a value that is gone, as for other rules."""
    return parse_mappings(_DEFAULT, compat=compat)[0]


DEFAULT_MAPPINGS: Final = default_mappings(Compat.FIXED)
"""Entra's default user mapping, as far as it applies to B2B users that are made by invitation.

Not in it: `alternativeSecurityIds` and `IsSoftDeleted`, which links and decisions take the place of; `mail`
and `userPrincipalName`, which the invitation makes; `mailNickname`, which Graph makes from the invitation
and which must be unique in the target. `showInAddressList` is Exchange's once the user is known there, so
it is sent at creation only.
"""
