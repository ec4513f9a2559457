"""One throw-away authority for everything that the tests start.

The HTTP clients read SSL_CERT_FILE when they are first imported, as they do in a worker that starts with it; so it
is set here, before anything imports them. Each process of the tests has an authority of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import trustme

_FOLDER = Path(tempfile.mkdtemp(prefix="crosstenant-tests-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_AUTHORITY = trustme.CA()
_SERVER = _AUTHORITY.issue_cert("localhost", "127.0.0.1")
_AUTHORITY.cert_pem.write_to_path(str(_FOLDER / "ca.pem"))
_SERVER.private_key_pem.write_to_path(str(_FOLDER / "server.key"))
for _blob in _SERVER.cert_chain_pems:
    _blob.write_to_path(str(_FOLDER / "server.pem"), append=True)
os.environ["SSL_CERT_FILE"] = str(_FOLDER / "ca.pem")


@pytest.fixture(scope="session")
def tls_dir() -> Path:
    """A folder with ca.pem, server.pem and server.key for localhost."""
    return _FOLDER
