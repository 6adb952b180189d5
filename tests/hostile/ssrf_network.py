# SPDX-License-Identifier: Apache-2.0
"""A small Internet for ssrf_attacks.py, inside network and mount namespaces of its own: public addresses, private ones
that all listen, names that lie. Everything is on the loopback device: nothing leaves."""

import json
import pathlib
import socket
import socketserver
import ssl
import struct
import subprocess
import threading

PUBLIC = "45.0.0.1"
PUBLIC6 = "2a00:1450::1"
PROXY = "45.0.0.9"
DEAD = "45.0.0.66"  # public, and nobody is there
PRIVATE = ["10.0.0.1", "192.168.0.1", "100.100.100.200", "168.63.129.16", "169.254.169.254", "172.16.0.1", "127.0.0.1",
           "fd00::1", "::1", "fd00:ec2::254"]
DOMAIN = "attacker.example"

# name → the answers to its questions, the last one for ever.
NAMES = {
    "good": [[PUBLIC]], "six": [[PUBLIC6]], "proxy": [[PROXY]],
    "loop": [["127.0.0.1"]], "meta": [["169.254.169.254"]], "ula": [["fd00::1"]], "loop6": [["::1"]],
    "mapped": [["::ffff:127.0.0.1"]], "nat64": [["64:ff9b::7f00:1"]], "zero": [["0.0.0.0"]], "zero6": [["::"]],
    "dead": [[DEAD, "127.0.0.1", "169.254.169.254", "::1", "fd00::1"]],
    "rebind": [[PUBLIC], ["127.0.0.1"]], "rebind6": [[PUBLIC6], ["::1"]], "late": [[PUBLIC], [PUBLIC], ["10.0.0.1"]],
}


def run(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stdout}")


def make(folder):
    """Addresses, the resolver's configuration and an authority that the system trusts; returns the TLS context."""
    run("ip", "link", "set", "lo", "up")
    for address in [PUBLIC, PUBLIC6, PROXY, *PRIVATE]:
        if address not in ("127.0.0.1", "::1"):
            run("ip", "addr", "add", address + ("/128" if ":" in address else "/32"), "dev", "lo")
    own = ",".join([f"DNS:*.{DOMAIN}", "DNS:localhost", *(f"IP:{each}" for each in [PUBLIC, *PRIVATE])])
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
        "-days", "2", "-subj", "/CN=attacker", "-addext", "subjectAltName=" + own)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
    (folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    for source, target in [("resolv.conf", "/etc/resolv.conf"), ("hosts", "/etc/hosts"),
                           ("certificate.pem", "/etc/ssl/certs/ca-certificates.crt")]:
        run("mount", "--bind", str(folder / source), str(pathlib.Path(target).resolve()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class Resolver(threading.Thread):
    """Answers A and AAAA from NAMES; counts a name's questions of each kind."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.asked = {}

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(2048)
            answer = self.answer(query)
            if answer:
                self.socket.sendto(answer, peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
            at += query[at] + 1
        question, kind = query[12:at + 5], struct.unpack(">H", query[at + 1:at + 3])[0]
        found = self.addresses(labels, kind)
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data for data in found or [])
        code = 3 if found is None else 0
        return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found or []), 0, 0) + question + records

    def addresses(self, labels, kind):
        name = labels[0]
        if ".".join(labels[1:]) != DOMAIN:
            return None
        # "rebind-7" is another "rebind" that nobody has asked for yet.
        answers = NAMES.get(name.partition("-")[0])
        if answers is None:
            return None
        turn = self.asked.get((name, kind), 0)
        self.asked[name, kind] = turn + 1
        family = socket.AF_INET6 if kind == 28 else socket.AF_INET if kind == 1 else None
        wanted = [each for each in answers[min(turn, len(answers) - 1)] if (":" in each) == (kind == 28)]
        return [socket.inet_pton(family, each) for each in wanted] if family else []


class Listeners:
    """Every address on ports 80 and 443. Public ones serve `pages`; whoever reaches another has escaped."""

    def __init__(self, context):
        self.pages, self.escapes, self.served = {}, [], []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self):
                outer.handle(self.request, context)

        for port in (80, 443):
            for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                kind = type("Listener", (socketserver.ThreadingTCPServer,),
                            {"address_family": family, "allow_reuse_address": True, "daemon_threads": True,
                             "server_bind": bind_alone})
                threading.Thread(target=kind((everywhere, port), Handler).serve_forever, daemon=True).start()

    def handle(self, connection, context):
        address, port = connection.getsockname()[:2]
        if address not in (PUBLIC, PUBLIC6):
            self.escapes.append(f"{address}:{port}")
            return
        try:
            with context.wrap_socket(connection, server_side=True) as line:
                self.serve(line)
        except (OSError, ssl.SSLError):
            pass

    def serve(self, line):
        data = b""
        while b"\r\n\r\n" not in data:
            more = line.recv(65536)
            if not more:
                return
            data += more
        path = data.split(b" ", 2)[1].decode("latin-1")
        self.served.append(path)
        status, fields, body = self.pages.get(path, (404, {}, {}))
        body = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        line.sendall(head.encode("utf-8", "surrogateescape") + b"\r\n" + body)


def bind_alone(self):
    """IPv6 beside IPv4 on the same port."""
    if self.address_family == socket.AF_INET6:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    socketserver.TCPServer.server_bind(self)


class ParentProxy(threading.Thread):
    """What an operator has for the way out: CONNECT to anything, `asked` says to what."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server((PROXY, 3128))
        self.asked = []

    def run(self):
        while True:
            threading.Thread(target=self.tunnel, args=(self.socket.accept()[0],), daemon=True).start()

    def tunnel(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(4096) or b"\r\n\r\n"
        self.asked.append(data.split(b" ")[1].decode())
        far = socket.create_connection((PUBLIC, 443))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=pour, args=(client, far), daemon=True).start()
        pour(far, client)


def pour(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
