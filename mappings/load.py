"""A mapping from a YAML file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mappings.documents import read_yaml
from mappings.spec import MappingSpec, parse_mapping

if TYPE_CHECKING:
    from pathlib import Path


def load_mapping(path: Path) -> MappingSpec:
    """Read a mapping from a YAML file, which holds the rules themselves or has them below ``mapping``.

    Raises:
        ConfigurationError: as ``parse_mapping``, or the file cannot be read or is not YAML.
    """
    data = read_yaml(path)
    if isinstance(data, Mapping) and "mapping" in data:
        data = data["mapping"]
    return parse_mapping(data, where=str(path))
