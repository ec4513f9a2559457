"""The parts of the sandbox as processes of their own, as they would be in the cloud.

Each part prints one line of JSON when it is ready. Every process that was started here is ended here, by its id.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_READY_WITHIN: Final = 60  # seconds
_GRACE: Final = 15  # seconds to stop


class PartFailedError(Exception):
    """A part did not start; the text names it, its exit code, and where its log is."""


@dataclass(slots=True)
class Part:
    """One running process and the JSON it printed when it was ready."""

    name: str
    process: asyncio.subprocess.Process
    ready: Mapping[str, Any]

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    async def stop(self) -> None:
        """Ask the process to stop; kill it when it does not."""
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), _GRACE)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def start(
    name: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> Part:
    """Start `python -m sandbox <arguments>` and wait until it says that it is ready.

    Raises:
        PartFailedError: it ended, or said nothing in time.
    """
    with log.open("ab") as log_file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sandbox",
            *arguments,
            "--json",
            "--parent-pid",
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log_file,
            env={**os.environ, **(environment or {})},
            limit=2**20,
        )
    part = Part(name, process, {})
    try:
        part.ready = await asyncio.wait_for(_ready_line(part, log), _READY_WITHIN)
    except BaseException as error:
        await part.kill()
        if isinstance(error, TimeoutError):
            raise PartFailedError(f"{name} was not ready in {_READY_WITHIN} s; its log is {log}") from error
        raise
    return part


async def _ready_line(part: Part, log: Path) -> Mapping[str, Any]:
    output = part.process.stdout
    line = await output.readline() if output else b""
    if not line:
        code = await part.process.wait()
        raise PartFailedError(f"{part.name} ended with exit code {code}; its log is {log}:\n{_tail(log)}")
    ready: Mapping[str, Any] = json.loads(line)
    return ready


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
