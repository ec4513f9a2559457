"""Imports function_app.py and asks it for its functions, the way the Python worker does.

The module is imported by its name with the app's folder first on the path. Whatever the app's own code raises
becomes a fault: at this border anything can fail, and the host has to say so instead of dying.
"""

from __future__ import annotations

import importlib
import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import azure.functions as func

from sandbox.host.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

MODULE = "function_app"
FILE_NAME = f"{MODULE}.py"
_LOGGER = logging.getLogger(__name__)


@contextmanager
def app_folder_on_path(folder: Path) -> Iterator[None]:
    """Put `folder` first on the import path, and forget function_app at the end.

    Only that one module is forgotten: what it imported stays loaded, as any library does.
    """
    entry = str(folder)
    sys.path.insert(0, entry)
    sys.modules.pop(MODULE, None)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.modules.pop(MODULE, None)
        if entry in sys.path:
            sys.path.remove(entry)


def load_functions(folder: Path) -> tuple[list[Any], list[Fault]]:
    """Import function_app from `folder` and return azure-functions' Function objects, with what is wrong.

    Needs `app_folder_on_path`. The app is asked once only: asked twice, it reports its functions as doubles.
    """
    if not (folder / FILE_NAME).is_file():
        return [], [Fault(FILE_NAME, "file", "is missing")]
    try:
        module = importlib.import_module(MODULE)
    except Exception as error:  # the app's own code, at the host's border
        _LOGGER.exception("Worker failed to load function_app.py")
        return [], [Fault(FILE_NAME, "import", f"{type(error).__name__}: {error}")]
    apps = _apps(module)
    if not apps:
        return [], [Fault(FILE_NAME, "app", "holds no func.FunctionApp at its top level")]
    if len(apps) > 1:
        names = ", ".join(apps)
        return [], [Fault(FILE_NAME, "app", f"holds more than one func.FunctionApp at its top level: {names}")]
    (app,) = apps.values()
    try:
        return list(app.get_functions()), []
    except Exception as error:  # noqa: BLE001  azure-functions raises ValueError, TypeError, KeyError for bad apps
        return [], [Fault(FILE_NAME, "functions", str(error))]


def _apps(module: ModuleType) -> dict[str, Any]:
    """Return the module's function apps by name; one app under two names counts twice, as in the worker."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, func.decorators.function_app.FunctionRegister)
    }
