"""Markdown as HTML for the page, with a package; HTML in it stays text, and addresses of scripts are refused by it."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def to_html(text: str) -> str:
    """The text as HTML without raw HTML of its author."""
    return str(_parser().render(text))
