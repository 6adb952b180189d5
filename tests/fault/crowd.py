# SPDX-License-Identifier: Apache-2.0
"""Clients that never finish what they begin, many at once (the large crowd: ./dev bench overload)."""
import contextlib
import socket
import time
import unittest

import server

SLOW = 600
ASKED = 40
# The server's own bound for a head that trickles in, and some grace.
HEAD_SECONDS_MAX = 25


def begin_a_request(port, source):
    connection = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    connection.sendall(b"POST /score HTTP/1.1\r\nHost: slow.example\r\nX-Slow: ")
    return connection


def begin_a_handshake(port, source):
    connection = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    connection.sendall(b"\x16\x03\x01\x02\x00\x01")
    return connection


class SlowClients(unittest.TestCase):
    def setUp(self):
        self.server = server.Server().__enter__()
        self.addCleanup(self.server.__exit__)

    def slowest_answer(self):
        """The slowest but one of many, in seconds: one may meet whatever else the machine does."""
        times = []
        for _ in range(ASKED):
            begin = time.monotonic()
            answer = self.server.send("GET", "management", "/metadata/endpoints?api-version=2022-09-01", [], b"")
            times.append(time.monotonic() - begin)
            self.assertEqual(answer.status, 200)
        return sorted(times)[-2]

    def test_they_keep_nobody_waiting_and_are_dropped(self):
        alone = self.slowest_answer()
        with contextlib.ExitStack() as stack:
            crowd = [stack.enter_context(begin(self.server.port, f"127.0.0.{2 + i % 3}"))
                     for i in range(SLOW // 2) for begin in (begin_a_request, begin_a_handshake)]
            began = time.monotonic()
            self.assertLess(self.slowest_answer(), 3 * alone + 0.25)
            for connection in crowd:
                connection.settimeout(max(0.1, began + HEAD_SECONDS_MAX - time.monotonic()))
                with contextlib.suppress(ConnectionError):
                    while connection.recv(4096):
                        pass
        self.assertLess(self.slowest_answer(), 3 * alone + 0.25)
