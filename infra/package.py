"""Builds the deployment package: a zip that an instance runs as it is, with nothing left to install or to compile.

It holds what .funcignore lets through, the packages of requirements.txt for Linux, and bytecode beside every source.
The bytecode is of the unchecked-hash kind: unpacking gives files new times, and Python would take bytecode that is
told by time for outdated, and compile everything again at each cold start. The same sources and packages always make
the same bytes.

Bytecode and compiled packages are of one version of Python. So the package is built by the version that Azure runs
where this machine has it, and names its version in any case.

    python -m infra.package [--python python3.12] [--out dist]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pathspec

ROOT: Final = Path(__file__).resolve().parents[1]
DIST: Final = ROOT / "dist"
AZURE_PYTHON: Final = "3.12"
"""As in modules/function-app.bicep."""
PACKAGES: Final = ".python_packages/lib/site-packages"
"""Where the Functions host looks for packages."""
MOUNTED_AT: Final = "/home/site/wwwroot"
"""Where an instance finds the app; stands in the bytecode, and so in tracebacks."""

_PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux2010_x86_64")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT: Final = ("bin", "msgraph", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED")
"""Of the packages: commands, Graph's models (docs/decisions/0011-graph-sdk-core.md), and what names this machine."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was built. Sizes in bytes."""

    path: Path
    python: str
    files: int
    size: int
    unpacked: int
    sha256: str


def build(folder: Path, python: str) -> Package:
    """Build the package with an interpreter, into a folder. Raises CalledProcessError where pip or Python does."""
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name)
        collect(stage, python)
        compile_all(stage, python)
        return archive(stage, folder / f"crosstenant-python{version}.zip", version)


def collect(stage: Path, python: str) -> None:
    """Put the app and its packages into a folder."""
    for file in app_files():
        (stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, stage / file)
    packages = stage / PACKAGES
    platforms = [f"--platform={platform}" for platform in _PLATFORMS]
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary=:all:", *platforms]
    requirements = str(ROOT / "requirements.txt")
    subprocess.run(
        [python, "-m", "pip", "install", *options, "--target", str(packages), "--requirement", requirements], check=True
    )
    for pattern in _LEFT_OUT:
        for path in packages.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def compile_all(stage: Path, python: str) -> None:
    """Put bytecode beside every source in a folder."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(stage), "-p", MOUNTED_AT]
    subprocess.run(
        [python, "-m", "compileall", *options, str(stage)], check=True, env=os.environ | {"PYTHONHASHSEED": "0"}
    )


def archive(stage: Path, out: Path, version: str) -> Package:
    """Pack a folder: in one order, and with one time for all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    with ZipFile(out, "w", ZIP_DEFLATED) as package:
        for path in files:
            entry = ZipInfo(path.relative_to(stage).as_posix(), _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is built
            entry.external_attr = 0o644 << 16
            package.writestr(entry, path.read_bytes())
    content = out.read_bytes()
    unpacked = sum(path.stat().st_size for path in files)
    return Package(out, version, len(files), len(content), unpacked, hashlib.sha256(content).hexdigest())


def app_files() -> list[str]:
    """What of this folder is deployed, by .funcignore, which azd reads too."""
    ignored = pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    tops = [path for path in ROOT.iterdir() if not ignored.match_file(path.name + "/" * path.is_dir())]
    files = [file for top in tops for file in (top.rglob("*") if top.is_dir() else [top]) if file.is_file()]
    return sorted(ignored.match_files([file.relative_to(ROOT).as_posix() for file in files], negate=True))


def azure_python() -> str:
    """Python as Azure runs it, where it can be run; else the one that runs this."""
    name = f"python{AZURE_PYTHON}"
    try:
        works = subprocess.run([name, "--version"], check=False, capture_output=True).returncode == 0
    except OSError:
        works = False
    return name if works else sys.executable


def main() -> int:
    """Build, and say what was built."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Builds the deployment package.")
    parser.add_argument("--python", default=None, help=f"an interpreter; Azure runs Python {AZURE_PYTHON}")
    parser.add_argument("--out", type=Path, default=DIST, help="the folder that the zip is written to")
    asked = parser.parse_args()
    try:
        package = build(asked.out, asked.python or azure_python())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the package could not be built: {error}", file=sys.stderr)
        return 1
    sizes = f"{package.size / 1e6:.1f} MB, {package.unpacked / 1e6:.1f} MB unpacked"
    print(f"{package.path}: {package.files} files, {sizes}, sha256 {package.sha256}")
    if package.python != AZURE_PYTHON:
        advice = f"name one of {AZURE_PYTHON} with --python, or make package PACKAGE_PYTHON=…"
        print(f"This runs on Python {package.python} alone, and Azure runs {AZURE_PYTHON}: {advice}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
