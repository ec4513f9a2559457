"""Entra's provisioning expression language: parsed once, evaluated for every user.

The language is that of attribute mappings in Microsoft Entra ID, so that an administrator's
expressions keep their meaning. Pure: the clock, the randomness and the user are given; regular
expressions, nesting and growth are bounded, because the text comes from a configuration file.
"""

from .compiler import Compat, Environment, Expression, Surroundings, evaluate, parse
from .errors import EvaluationError, ExpressionError, Ignore, IgnoreFlow, ParseError, caret
from .registry import FUNCTIONS
from .syntax import Attribute, Node, Text, to_text
from .values import Value

__all__ = [
    "FUNCTIONS",
    "Attribute",
    "Compat",
    "Environment",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Ignore",
    "IgnoreFlow",
    "Node",
    "ParseError",
    "Surroundings",
    "Text",
    "Value",
    "caret",
    "evaluate",
    "parse",
    "to_text",
]
