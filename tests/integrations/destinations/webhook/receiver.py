"""A partner in a process of its own: it checks signatures by hand, fails as it is told, recovers.

    python receiver.py FOLDER SECRET

It writes its port into `FOLDER/port` and each push that it took as a line into `FOLDER/taken`. The
lines of `FOLDER/answers` are its next answers: a status, and a Retry-After where one follows.

Where `FOLDER/portal` has an address, a key id and a secret, it reads each referral there and says
that it was accepted, while it still answers the push. What it read is in `FOLDER/read`.
"""

import base64
import hashlib
import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

FOLDER, SECRET = Path(sys.argv[1]), sys.argv[2]


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    content = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    ours = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return ours in headers["webhook-signature"].split()


def next_answer() -> list[str]:
    file = FOLDER / "answers"
    answers = file.read_text().splitlines() if file.exists() else []
    file.write_text("\n".join(answers[1:]))
    return answers[0].split() if answers else ["200"]


def write_back(reference: str) -> None:
    portal, key, secret = (FOLDER / "portal").read_text().split()
    address = f"{portal}/api/v1/partner/referrals/{reference}"
    ours = {"Authorization": f"Bearer {key}:{secret}"}
    with urlopen(Request(address, headers=ours), timeout=20) as answer:
        etag, read = answer.headers["ETag"], answer.read()
    (FOLDER / "read").write_bytes(read)
    headers = {**ours, "If-Match": etag, "Content-Type": "application/merge-patch+json"}
    reply = json.dumps({"status": "accepted", "note": "We have it."}).encode()
    with urlopen(Request(address, reply, headers, method="PATCH"), timeout=20) as answer:
        answer.read()


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.answer(["405"])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = next_answer() if is_signed(dict(self.headers.items()), body) else ["401"]
        line = {"id": self.headers["webhook-id"], "status": answer[0], "body": json.loads(body)}
        with (FOLDER / "taken").open("a") as file:
            file.write(json.dumps(line) + "\n")
        if (FOLDER / "portal").exists():
            write_back(line["body"]["data"]["reference"])
        self.answer(answer)

    def answer(self, answer: list[str]) -> None:
        status = int(answer[0])
        body = b'{"id": "P-1"}' if status == 200 else b'{"message": "Reason is too long"}'
        self.send_response(status)
        for after in answer[1:]:
            self.send_header("Retry-After", after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Handler)
    (FOLDER / "port.new").write_text(str(server.server_port))
    (FOLDER / "port.new").rename(FOLDER / "port")
    server.serve_forever()
