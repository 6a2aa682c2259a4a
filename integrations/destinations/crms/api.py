"""The calls of the CRMS API: paths, headers and time limits. Every answer comes back as it is."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any
from urllib.parse import quote

from requests_toolbelt import MultipartEncoder

from core import outbound
from integrations.destinations.crms.answers import Call
from integrations.destinations.crms.options import API_KEY
from integrations.http.network import delivery_error
from integrations.transport import Document

SHORTEST_TOKEN = 8  # a shorter one may stand in an answer by chance


class Api:
    """One CRMS, with the cleaned options of `CrmsOptions`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options

    @property
    def referrals_url(self) -> str:
        return str(self.options["base_url"].rstrip("/") + self.options["referrals_path"])

    def ping(self) -> outbound.Answer:
        return self._send(Call.PING, self.options["ping_path"], {})

    def look_up(self, reference: str, request_id: str) -> outbound.Answer:
        return self._send(
            Call.LOOK_UP,
            self.options["referrals_path"],
            {self.options["request_id_header"]: request_id},
            params={self.options["reference_parameter"]: reference},
        )

    def create(self, body: Mapping[str, Any], key: str, request_id: str) -> outbound.Answer:
        headers = {**self._ids(key, request_id), "Content-Type": "application/json"}
        content = json.dumps(body, allow_nan=False).encode()
        return self._send(Call.CREATE, self.options["referrals_path"], headers, data=content)

    def add_file(
        self, referral: str, document: Document, key: str, request_id: str
    ) -> outbound.Answer:
        """Stream one file; it is never in memory as a whole."""
        path = self.options["attachments_path"].replace("{id}", quote(referral, safe=""))
        with document.open() as stream:
            parts = self._parts(document, stream)
            headers = {**self._ids(key, request_id), "Content-Type": parts.content_type}
            return self._send(Call.FILE, path, headers, data=parts)

    def _parts(self, document: Document, stream: IO[bytes]) -> MultipartEncoder:
        names = self.options["field_names"]
        file = (document.name, Sized(stream, document.size), document.content_type)
        return MultipartEncoder(
            [
                (names.get("category", "category"), document.category),
                (names.get("sha256", "sha256"), document.sha256),
                (names.get("file", "file"), file),
            ]
        )

    def _ids(self, key: str, request_id: str) -> dict[str, str]:
        return {
            self.options["idempotency_header"]: key,
            self.options["request_id_header"]: request_id,
        }

    def _send(
        self, call: Call, path: str, headers: Mapping[str, str], **content: Any
    ) -> outbound.Answer:
        """Send one request; what the network does wrong becomes a DeliveryError."""
        limit = "file_seconds" if call is Call.FILE else "read_seconds"
        try:
            answer = outbound.send(
                "POST" if call in (Call.CREATE, Call.FILE) else "GET",
                self.options["base_url"].rstrip("/") + path,
                headers={"Accept": "application/json", **self._credentials(), **headers},
                connect_seconds=self.options["connect_seconds"],
                total_seconds=self.options[limit],
                **content,
            )
        except outbound.OutboundError as error:
            raise delivery_error(error) from None
        return self._without_token(answer)

    def _without_token(self, answer: outbound.Answer) -> outbound.Answer:
        """Blot the token out of an answer that echoes it: answers are kept and shown to staff."""
        token = self.options["token"].encode()
        if len(token) < SHORTEST_TOKEN or token not in answer.body:
            return answer
        return replace(answer, body=answer.body.replace(token, b"[token]"))

    def _credentials(self) -> dict[str, str]:
        token = self.options["token"]
        if self.options["auth"] == API_KEY:
            return {self.options["auth_header"]: token}
        return {"Authorization": f"Bearer {token}"}


class Sized:
    """A stream with its length, as the multipart encoder wants it."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self.len = size  # what is left to read

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; raises EOFError where the file is shorter than announced."""
        chunk = self._stream.read(self.len if size < 0 else min(size, self.len))
        if self.len and size and not chunk:
            raise EOFError("The file is shorter than its announced size.")
        self.len -= len(chunk)
        return chunk
