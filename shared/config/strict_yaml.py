"""YAML without its traps: a setting that stands twice is a fault, where plain YAML silently takes the last.

Reading only, and no more than data: no tag makes an object here. What the settings mean is elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from shared.config.faults import ConfigurationError, ConfigurationFault

if TYPE_CHECKING:
    from collections.abc import Hashable


class _Loader(yaml.SafeLoader):
    """A safe loader that remembers settings that stand twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[ConfigurationFault] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                message = f"{key.value} stands here again; it stands in line {lines[key.value]} already"
                self.faults.append(ConfigurationFault(f"(line {line})", message))
            lines.setdefault(key.value, line)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, source: str) -> tuple[object, tuple[ConfigurationFault, ...]]:
    """The data in `text`, and the settings that stand twice; `source` names it in faults.

    Raises:
        ConfigurationError: it is no YAML.
    """
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data(), tuple(loader.faults)
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that is none
        message = f"is not YAML: {error}" if str(error) else "is not YAML"
        raise ConfigurationError(source, (ConfigurationFault("(file)", message),)) from error
