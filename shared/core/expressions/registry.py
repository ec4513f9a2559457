"""Every function of the language, in one table.

Parameters are named as in Microsoft's reference. A function that is not here does not exist; one whose
meaning needs something that this product has not (application roles, network ids) is here and says so
when it is evaluated.
"""

from __future__ import annotations

from . import (
    casing,
    dates,
    diacritics,
    directory,
    encoding,
    lists,
    logic,
    randomness,
    replace,
    text,
)
from .function import Function, Kind, Parameter, values

_CONDITION = Parameter("condition", Kind.CONDITION)

_TABLE = (
    # text
    Function("Append", values("source", "suffix"), text.append),
    Function("Join", values("separator", "source1?"), text.join, repeats=1),
    Function("Split", values("source", "delimiter"), text.split),
    Function("Left", values("String", "NumChars"), text.left),
    Function("Mid", values("source", "start", "length?"), text.mid),
    Function(
        "InStr",
        (*values("value1", "value2", "start?"), Parameter("compareType", Kind.COMPARE_TYPE, optional=True)),
        text.in_str,
    ),
    Function("Word", values("String", "WordNumber", "delimiters"), text.word),
    Function("StripSpaces", values("source"), text.strip_spaces),
    Function("Trim", values("value"), text.trim),
    Function("CStr", values("value"), text.c_str),
    Function("ToLower", values("source", "culture?"), casing.to_lower),
    Function("ToUpper", values("source", "culture?"), casing.to_upper),
    Function("PCase", values("source", "wordSeparators?"), casing.p_case),
    Function("NormalizeDiacritics", values("source"), diacritics.normalize_diacritics),
    Function(
        "Replace",
        values(
            "source",
            "oldValue?",
            "regexPattern?",
            "regexGroupName?",
            "replacementValue?",
            "replacementAttributeName?",
            "template?",
        ),
        build=replace.replace,
        check=replace.check_replace,
    ),
    # multi-valued attributes
    Function("Count", values("attribute"), lists.count),
    Function("Item", values("attribute", "index"), lists.item),
    Function("RemoveDuplicates", values("attribute"), lists.remove_duplicates),
    Function(
        "Contains",
        (*values("attribute", "search"), Parameter("Casetype", Kind.CASE_TYPE, optional=True)),
        lists.contains,
    ),
    # decisions
    Function("IIF", (_CONDITION, *values("valueIfTrue", "valueIfFalse")), build=logic.iif),
    Function("Switch", values("source", "defaultValue?", "key?", "value?"), build=logic.switch, repeats=2),
    Function("Coalesce", values("source?"), build=logic.coalesce, repeats=1),
    Function("And", (_CONDITION,), build=logic.both, repeats=1),
    Function("Or", (_CONDITION,), build=logic.either, repeats=1),
    Function("Not", (Parameter("source", Kind.CONDITION),), logic.invert),
    Function("CBool", (Parameter("Expression", Kind.CONDITION),), logic.c_bool),
    Function("IsNull", values("Expression"), logic.is_null),
    Function("IsNullOrEmpty", values("Expression"), logic.is_null_or_empty),
    Function("IsPresent", values("Expression"), logic.is_present),
    Function("IsString", values("Expression"), logic.is_string),
    Function("IgnoreFlowIfNullOrEmpty", values("Expression"), logic.ignore_flow_if_null_or_empty),
    Function("Redact", values("value"), logic.redact),
    Function("Error", values("ErrorMessage"), build=logic.error),
    Function(
        "SelectUniqueValue",
        values("uniqueValueRule1", "uniqueValueRule2"),
        build=logic.select_unique_value,
        repeats=1,
        top_level=True,
        varies=True,
    ),
    # dates
    Function("CDate", values("expression"), dates.c_date),
    Function("Now", (), dates.now, ambient=True),
    Function("DateAdd", values("interval", "value", "dateTime"), dates.date_add, check=dates.check_interval),
    Function("DateDiff", values("interval", "date1", "date2"), dates.date_diff, check=dates.check_interval),
    Function("DateFromNum", values("value"), dates.date_from_num),
    Function("NumFromDate", values("value"), dates.num_from_date),
    Function(
        "FormatDateTime",
        values("source", "dateTimeStyles?", "inputFormat", "outputFormat?"),
        build=dates.format_date_time,
        check=dates.check_format_date_time,
    ),
    # codings
    Function("BitAnd", values("value1", "value2"), encoding.bit_and),
    Function("ConvertToBase64", values("source"), encoding.convert_to_base64),
    Function(
        "ConvertFromBase64",
        (*values("source"), Parameter("Encoding", Kind.ENCODING, optional=True)),
        encoding.convert_from_base64,
    ),
    Function("ConvertToUTF8Hex", values("source"), encoding.convert_to_utf8_hex),
    Function("CRef", values("value"), encoding.c_ref),
    Function("DNComponent", values("dn", "ComponentNumber"), encoding.dn_component),
    Function("StringFromSid", values("ObjectSID"), encoding.string_from_sid),
    # randomness
    Function("Guid", (), randomness.guid, ambient=True, varies=True),
    Function(
        "RandomString",
        values(
            "Length",
            "MinimumNumbers",
            "MinimumSpecialCharacters",
            "MinimumCapital",
            "MinimumLowerCase",
            "CharactersToAvoid?",
        ),
        randomness.random_string,
        ambient=True,
        varies=True,
    ),
    # what the attributes do not hold
    Function("AppRoleAssignmentsComplex", values("appRoleAssignments"), directory.app_role_assignments),
    Function("AssertiveAppRoleAssignmentsComplex", values("appRoleAssignments"), directory.app_role_assignments),
    Function("SingleAppRoleAssignment", values("appRoleAssignments"), directory.app_role_assignments),
    Function("AltSecIdFromNetId", values("netId"), directory.alt_sec_id_from_net_id),
    Function("DefaultDomain", (), directory.default_domain, ambient=True),
)

FUNCTIONS = {function.name: function for function in _TABLE}
"""By name; names are case-sensitive."""
