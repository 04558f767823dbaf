"""What a setting may be: sections over sections, the environment over both, and no unknown key."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints


class SettingsError(Exception):
    """A setting is missing, unknown, of the wrong type, or not fit for this environment."""


def merge(base: dict[str, Any], over: dict[str, Any], name: str) -> None:
    """Change keys of `base` to those of the file `name`. Raises SettingsError for unknown ones."""
    for part, keys in over.items():
        if part not in base or not isinstance(keys, dict):
            raise SettingsError(f"{name}: unknown section {part}")
        for key, value in keys.items():
            if key not in base[part]:
                raise SettingsError(f"{name}: unknown key {part}.{key}")
            base[part][key] = value


def apply_environment(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Change keys to what the environment says, or a file it names. Raises SettingsError."""
    for name, text in environ.items():
        if not name.startswith("VOUCHER__"):
            continue
        parts = name.removeprefix("VOUCHER__").lower().split("__")
        if len(parts) != 2:
            raise SettingsError(f"{name}: write VOUCHER__SECTION__KEY")
        part, key = parts
        value = text
        if key.endswith("_file") and key not in values.get(part, {}):
            key, value = key.removesuffix("_file"), _file(name, Path(text))
        if key not in values.get(part, {}):
            raise SettingsError(f"{name}: there is no setting {part}.{key}")
        values[part][key] = value


def _file(name: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: {path} can't be read: {error}") from error


def section(kind: type[Any], name: str, values: dict[str, Any]) -> Any:
    """A section of its kind. Raises SettingsError for a missing, unknown or unfit key."""
    hints = get_type_hints(kind)
    if missing := hints.keys() - values.keys():
        raise SettingsError(f"missing in [{name}]: {', '.join(sorted(missing))}")
    if unknown := values.keys() - hints.keys():
        raise SettingsError(f"unknown in [{name}]: {', '.join(sorted(unknown))}")
    return kind(**{key: _value(hints[key], f"{name}.{key}", values[key]) for key in hints})


def _value(kind: type[Any] | types.UnionType, name: str, value: Any) -> Any:
    wanted: Any = get_args(kind)[0] if isinstance(kind, types.UnionType) else kind
    if wanted is int and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise SettingsError(f"{name} is a whole number, not {value!r}") from None
    if type(value) is not wanted:
        raise SettingsError(f"{name} is {wanted.__name__}, not {value!r}")
    return value
