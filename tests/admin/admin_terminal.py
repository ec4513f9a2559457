"""`python -m admin` as a process, and the words of its tests."""

from __future__ import annotations

import json
import os
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.story.cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]
NO_LAG = {"count": 2, "medianSeconds": 0, "p99Seconds": 0, "indexMedianSeconds": 0, "indexP99Seconds": 0}
NESTOR, ADELE, MEGAN = "NestorW@contoso.com", "AdeleV@contoso.com", "MeganB@contoso.com"


@dataclass
class Terminal:
    """`python -m admin` as a process, with the settings of the sandbox."""

    cloud: Cloud
    settings: Path

    async def run(self, *arguments):
        """Exit code, standard output, standard error."""
        environment = {key: os.environ[key] for key in ("PATH", "HOME", "SSL_CERT_FILE") if key in os.environ}
        process = await create_subprocess_exec(
            sys.executable, "-m", "admin", *map(str, arguments), cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def try_mapping(self, user, *arguments, target="emea"):
        return await self.run(
            "try-mapping", "--target", target, "--user", user, "--settings", self.settings, *arguments
        )

    async def trial(self, user, *arguments):
        """The JSON of a trial that ended well, with its rows by attribute."""
        code, out, err = await self.try_mapping(user, "--json", *arguments)
        assert code == 0, err
        trial = json.loads(out)
        return trial | {"rows": {row["attribute"]: row for row in trial["rows"]}}
