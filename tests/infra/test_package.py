"""The package that `make package` builds: complete, nothing else, and the same each time.

It is built once, by the Python that runs the tests, with the packages of requirements.txt for Linux.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from bicep_deployment import ROOT, deploy

from infra.package import AZURE_PYTHON, PACKAGES, app_files, archive, collect, compile_all

LOOK = """
import ast, json, sys
from importlib import import_module
from pathlib import Path

root = Path(sys.argv[1])
sys.path[:0] = [str(root), str(root / sys.argv[2])]
import function_app

functions = {f.get_function_name(): json.loads(f.get_function_json()) for f in function_app.app.get_functions()}
for path in sorted((root / "shared").rglob("*.py")):
    import_module(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            [import_module(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            import_module(node.module)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({"functions": functions, "files": [str(Path(file).resolve()) for file in files if file]}))
"""
"""Indexes the app as the host does, and imports all that the app imports anywhere, late or early."""

INDEX = """
import json, function_app
print(json.dumps({f.get_function_name(): json.loads(f.get_function_json()) for f in function_app.app.get_functions()}))
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Path:
    """The folder that is packed."""
    folder = tmp_path_factory.mktemp("stage")
    collect(folder, sys.executable)
    compile_all(folder, sys.executable)
    return folder


@pytest.fixture(scope="module")
def package(stage, tmp_path_factory) -> Path:
    """The zip."""
    return archive(stage, tmp_path_factory.mktemp("dist") / "package.zip", "").path


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory) -> Path:
    """What an instance sees: its files have the time of unpacking."""
    folder = tmp_path_factory.mktemp("instance")
    with ZipFile(package) as content:
        content.extractall(folder)
    return folder


def test_it_holds_the_app_its_packages_and_nothing_else(package):
    """What .funcignore lets through, packages where the host looks for them, and bytecode of both."""
    with ZipFile(package) as content:
        names = [name for name in content.namelist() if "__pycache__" not in name]
    assert {name.partition("/")[0] for name in names} == {
        ".python_packages", "function_app.py", "host.json", "requirements.txt", "shared", "sync.yaml",
    }  # fmt: skip
    assert [name for name in names if not name.startswith(".python_packages/")] == app_files()
    packages = {name.removeprefix(f"{PACKAGES}/").partition("/")[0] for name in names if name.startswith(PACKAGES)}
    assert {"azure", "msgraph_core", "aiohttp", "pydantic", "regex", "yaml"} <= packages
    assert not packages & {"bin", "msgraph", "pytest", "click", "rich", "duckdb", "sandbox", "pip", "setuptools"}


def test_every_source_has_bytecode_that_is_taken_as_it_is(unpacked):
    """Of the unchecked-hash kind, of this very source: an instance compiles nothing, whatever the files' times."""
    sources = sorted(unpacked.rglob("*.py"))
    assert len(sources) > 1000
    for source in sources:
        bytecode = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert bytecode[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(bytecode[4:8], "little") == 0b01, source
        assert bytecode[8:16] == importlib.util.source_hash(source.read_bytes()), source


def test_the_same_sources_make_the_same_bytes(stage, package, tmp_path):
    """In another folder, with other times, and without the bytecode of before."""
    again = tmp_path / "again"
    shutil.copytree(stage, again, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__"))
    compile_all(again, sys.executable)
    assert archive(again, tmp_path / "again.zip", "").path.read_bytes() == package.read_bytes()


def test_the_app_indexes_and_imports_all_it_needs_from_the_package_alone(unpacked):
    """The functions are those of the source tree, and no module comes from anywhere but the package and Python."""
    isolated = [sys.executable, "-I", "-S", "-c", LOOK, str(unpacked), PACKAGES]
    looked = subprocess.run(isolated, cwd="/", env={}, capture_output=True, text=True, check=False)
    assert looked.returncode == 0, looked.stderr
    found = json.loads(looked.stdout)
    here = subprocess.run([sys.executable, "-c", INDEX], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert found["functions"] == json.loads(here.stdout)
    assert not [file for file in found["files"] if "site-packages" in file and not file.startswith(str(unpacked))]


def test_it_is_built_for_the_python_that_azure_runs():
    """The script and the Bicep name one version."""
    runtime = deploy().one("Microsoft.Web/sites").properties["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": AZURE_PYTHON}
