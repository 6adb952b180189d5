# SPDX-License-Identifier: Apache-2.0
"""Raw connections to the server, and a reader of answers that trusts nothing."""

import socket
import time

QUIET_SECONDS = 0.15
ANSWER_SECONDS_MAX = 15
PIECE_BYTES = 7
PIECES_MAX = 600


class Garbled(Exception):
    """What came back is not a row of well-formed answers."""


def pieces(data):
    """The first head in pieces; its end and what follows together, since the server may answer as soon as it has seen
    the head, and what it makes of the rest would be a matter of time."""
    end = data.find(b"\r\n\r\n")
    end = len(data) if end < 0 else end
    size = max(PIECE_BYTES, end // PIECES_MAX)
    cut = list(range(0, end, size)) or [0]
    return [data[start:start + size] for start in cut[:-1]] + [data[cut[-1]:]]


class Line:
    """A connection, plain or through TLS, that keeps what it received beyond one answer."""

    def __init__(self, server, via):
        self.raw = socket.create_connection(("127.0.0.1", server.port), ANSWER_SECONDS_MAX)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kind, _, label = via.partition(" ")
        self.socket = self.raw
        if kind == "tls":
            self.socket = server.context.wrap_socket(self.raw, server_hostname=server.host(label))
        self.received = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, in_pieces=False):
        """The server may refuse in the middle and close: that shows in what it answers."""
        try:
            if not in_pieces:
                self.socket.sendall(data)
                return
            for piece in pieces(data):
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self, seconds):
        if self.ended:
            return False
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, socket.timeout):
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.received += data
        return True

    def _until(self, enough):
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while not enough():
            if not self._more(max(0.01, deadline - time.monotonic())):
                return False
        return True

    def answer(self, method):
        """(status, head, body) of the next answer, or None when the connection ended or stayed silent."""
        if not self._until(lambda: b"\r\n\r\n" in self.received):
            if self.received:
                raise Garbled(f"half an answer: {self.received[:200]!r}")
            return None
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        status, fields = parse_head(head)
        if status // 100 == 1:
            return self.answer(method)
        return status, head, self._body(method, status, fields)

    def _body(self, method, status, fields):
        if method == "HEAD" or status in (204, 304) or (method == "CONNECT" and status == 200):
            return b""
        if "chunked" in fields.get("transfer-encoding", ""):
            return self._chunked()
        if "content-length" not in fields:
            while self._more(ANSWER_SECONDS_MAX):
                pass
            body, self.received = self.received, b""
            return body
        length = int(fields["content-length"])
        if not self._until(lambda: len(self.received) >= length):
            raise Garbled("the body of an answer is cut off")
        body, self.received = self.received[:length], self.received[length:]
        return body

    def _chunked(self):
        body = b""
        while True:
            if not self._until(lambda: b"\r\n" in self.received):
                raise Garbled("a chunk is cut off")
            size, _, self.received = self.received.partition(b"\r\n")
            length = int(size, 16)
            if not self._until(lambda: len(self.received) >= length + 2):
                raise Garbled("a chunk is cut off")
            body += self.received[:length]
            self.received = self.received[length + 2:]
            if length == 0:
                return body

    def is_closed(self):
        """The server ends the connection, and says nothing more before."""
        while self._more(ANSWER_SECONDS_MAX):
            pass
        return self.ended and not self.received

    def is_quiet(self):
        self._more(QUIET_SECONDS)
        return not self.ended and not self.received


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ", 2)
    if not parts[0].startswith("HTTP/1.1") or len(parts) < 2 or not parts[1].isdigit():
        raise Garbled(f"not a status line: {lines[0][:200]!r}")
    fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line:
            raise Garbled(f"not a header field: {line[:200]!r}")
        fields[name.lower()] = value.strip()
    return int(parts[1]), fields
