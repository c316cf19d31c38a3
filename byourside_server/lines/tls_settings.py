"""What TLS connections of the SIP socket trust and show, as the operator sets it."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path


class TlsSettingsError(ValueError):
    """A file named in the settings cannot be used; the sentence says which and why."""


@dataclass(frozen=True)
class TlsSettings:
    """Certificates of both sides."""

    # Certificates of the authorities that may sign the trunk's, as PEM; those of the system where None.
    ca_file: Path | str | None = None
    # False takes any certificate: the connection is then secret, but nobody knows from whom.
    verify: bool = True
    # Our own certificate chain and key, as PEM. With them TLS connections to us are taken, and trunks
    # that ask for a certificate are shown it.
    cert_file: Path | str | None = None
    key_file: Path | str | None = None

    def client_context(self) -> ssl.SSLContext:
        """For connections of ours. Raises TlsSettingsError."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except OSError as error:
            raise TlsSettingsError(f"CA file {self.ca_file} cannot be used: {_why(error)}") from None
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._show_certificate(context)
        return context

    def server_context(self) -> ssl.SSLContext | None:
        """For connections to us; None where there is no certificate to show. Raises TlsSettingsError."""
        if self.cert_file is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._show_certificate(context)
        return context

    def _show_certificate(self, context: ssl.SSLContext) -> None:
        if self.cert_file is None:
            return
        key_file = None if self.key_file is None else str(self.key_file)
        try:
            context.load_cert_chain(str(self.cert_file), key_file)
        except OSError as error:
            files = f"{self.cert_file}" if key_file is None else f"{self.cert_file} with key {key_file}"
            raise TlsSettingsError(f"certificate {files} cannot be used: {_why(error)}") from None


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"{error.reason or 'not PEM'}".lower().replace("_", " ")
    return error.strerror or str(error)


def connection_failure(error: Exception, name: str) -> str:
    """Why a connection to `name` could not be had, in words for an operator."""
    match error:
        case TimeoutError():
            return f"no connection to {name} in time"
        case ssl.SSLCertVerificationError():
            return f"certificate of {name} refused: {error.verify_message.rstrip('.')}"
        case ssl.SSLError():
            return f"TLS with {name} failed: {_why(error)}"
        case OSError():
            # asyncio puts its own words, with the address, into strerror.
            words = os.strerror(error.errno) if error.errno else str(error)
            return f"no connection to {name}: {words.lower()}"
    return f"no connection to {name}: {error}"
