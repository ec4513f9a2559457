"""A throw-away certificate authority for 127.0.0.1, in a folder that other parts of the sandbox share.

Files: ca.pem, server.pem (certificate chain), server.key (private, readable by the owner only). They are
used again while they hold; nothing of them belongs anywhere but on this machine.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("localhost", "127.0.0.1")
_LEAST_LEFT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where authority, certificate and key are."""

    ca: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """For a server on localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """For a client that trusts this authority only."""
        return ssl.create_default_context(cafile=str(self.ca))


def prepare(folder: Path) -> TlsFiles:
    """The files in this folder, made now unless they are there and hold for a week more."""
    files = TlsFiles(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if not _holds(files):
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="Crosstenant sandbox")
        server = authority.issue_cert(*_NAMES)
        files.key.touch(mode=0o600)
        files.key.write_bytes(server.private_key_pem.bytes())
        files.certificate.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        authority.cert_pem.write_to_path(files.ca)
    return files


def _holds(files: TlsFiles) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        key = load_pem_private_key(files.key.read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, x509.InvalidVersion, InvalidSignature):
        return False
    least = datetime.now(UTC) + _LEAST_LEFT
    return (
        min(authority.not_valid_after_utc, certificate.not_valid_after_utc) > least
        and key.public_key() == certificate.public_key()
    )
