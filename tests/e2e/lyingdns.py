# SPDX-License-Identifier: BSD-2-Clause
"""A DNS server on loopback that tells the truth from a table, or lies as the script says.

zone: {"name": [record, ...]} with records made by mx(), a(), aaaa(), cname().  A name that is
not there is NXDOMAIN, one without the type asked for is NOERROR without answers.

lies: {"name" or ("name", type) or "*": lie}; a lie is a function(query) -> list of datagrams
(octets) to send, made by the functions below, or a list of lies (one per question, last for ever).
A lie is for UDP; over TCP the table is answered, unless tcp_lies says otherwise.
"""

import random
import socket
import struct
import threading
import time

from pipit import free_port

A, NS, CNAME, SOA, MX, TXT, AAAA = 1, 2, 5, 6, 15, 16, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


def encode_name(name):
    """name: dotted text, or a list of label octets (which may hold anything)."""
    labels = name if isinstance(name, (list, tuple)) else [x.encode("latin-1") for x in name.rstrip(".").split(".") if x]
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


def a(address, ttl=60):
    return (A, ttl, socket.inet_aton(address))


def aaaa(address, ttl=60):
    return (AAAA, ttl, socket.inet_pton(socket.AF_INET6, address))


def mx(preference, host, ttl=60):
    return (MX, ttl, struct.pack(">H", preference) + encode_name(host))


def cname(target, ttl=60):
    return (CNAME, ttl, encode_name(target))


class Query:
    def __init__(self, raw, peer, tcp, server):
        self.raw, self.peer, self.tcp, self.server = raw, peer, tcp, server
        self.id, self.flags, self.qdcount = struct.unpack(">HHH", raw[:6])
        at, labels = 12, []
        while raw[at]:
            labels.append(raw[at + 1:at + 1 + raw[at]])
            at += 1 + raw[at]
        self.question = raw[12:at + 5]
        self.qtype, = struct.unpack(">H", raw[at + 1:at + 3])
        self.wire_name = ".".join(x.decode("latin-1") for x in labels)
        self.name = self.wire_name.lower()
        self.edns = raw[10:12] != b"\0\0"
        self.at = time.monotonic()

    def reply(self, answers=(), rcode=NOERROR, aa=True, tc=False, ra=True, id_=None, question=None, counts=None, extra=b""):
        """answers: (owner octets or None for a pointer to the question, type, ttl, rdata)"""
        flags = 0x8000 | (self.flags & 0x0100) | (0x0400 if aa else 0) | (0x0200 if tc else 0) | (0x0080 if ra else 0) | rcode
        body = b""
        for owner, kind, ttl, rdata in answers:
            body += (owner or b"\xc0\x0c") + struct.pack(">HHIH", kind, 1, ttl, len(rdata)) + rdata
        counts = counts or (1, len(answers), 0, 0)
        head = struct.pack(">HHHHHH", self.id if id_ is None else id_, flags, *counts)
        return head + (self.question if question is None else question) + body + extra

    def truth(self):
        return self.server.truth(self)


class LyingDns:
    def __init__(self, zone=None, lies=None, tcp_lies=None, address="127.0.0.1", port=None):
        self.zone = {k.lower().rstrip("."): list(v) for k, v in (zone or {}).items()}
        self.lies, self.tcp_lies = dict(lies or {}), dict(tcp_lies or {})
        self.address, self.port = address, port or free_port(address)
        self.queries = []
        self.counts = {}
        self.stopping = False
        self.udp = self.tcp = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
        return False

    @property
    def conf(self):
        return f"dns_server {self.address}:{self.port}"

    def start(self):
        self.stopping = False
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((self.address, self.port))
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((self.address, self.port))
        self.tcp.listen(16)
        threading.Thread(target=self._serve_udp, args=(self.udp,), daemon=True).start()
        threading.Thread(target=self._serve_tcp, args=(self.tcp,), daemon=True).start()

    def close(self):
        """As if the server went down."""
        self.stopping = True
        for s in (self.udp, self.tcp):
            if s:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()
        self.udp = self.tcp = None

    def asked(self, name=None, qtype=None, tcp=None):
        return [q for q in self.queries if (name is None or q.name == name.lower()) and (qtype is None or q.qtype == qtype)
                and (tcp is None or q.tcp == tcp)]

    # ---- answers -----------------------------------------------------------------

    def records(self, q):
        """Answers by the table: (found, [(owner, type, ttl, rdata)])"""
        name, owner, out = q.name, None, []
        for _ in range(20):
            if name not in self.zone:
                return bool(out), out
            here = self.zone[name]
            out += [(owner,) + r for r in here if r[0] == q.qtype]
            alias = next((r for r in here if r[0] == CNAME), None)
            if alias is None or q.qtype == CNAME:
                return True, out
            out.append((owner,) + alias)
            name = _decode(alias[2])
            owner = encode_name(name)
            if name not in self.zone:
                return True, out
        return True, out

    def truth(self, q):
        found, answers = self.records(q)
        whole = q.reply(answers, NOERROR if found else NXDOMAIN)
        if not q.tcp and len(whole) > (1232 if q.edns else 512):
            return q.reply((), NOERROR, tc=True)
        return whole

    def _answer(self, raw, peer, tcp):
        try:
            q = Query(raw, peer, tcp, self)
        except (IndexError, struct.error):
            return []
        self.queries.append(q)
        table = self.tcp_lies if tcp else self.lies
        for key in ((q.name, q.qtype), q.name, "*"):
            if key in table:
                lie = table[key]
                if isinstance(lie, list):
                    n = self.counts[(key, tcp)] = self.counts.get((key, tcp), -1) + 1
                    lie = lie[min(n, len(lie) - 1)]
                return lie(q)
        return [self.truth(q)]

    def _serve_udp(self, sock):
        while not self.stopping:
            try:
                raw, peer = sock.recvfrom(4096)
            except OSError:
                return
            try:
                for datagram in self._answer(raw, peer, False):
                    sock.sendto(datagram, peer)
            except OSError:
                pass

    def _serve_tcp(self, listener):
        while not self.stopping:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one_tcp, args=(sock, peer), daemon=True).start()

    def _serve_one_tcp(self, sock, peer):
        sock.settimeout(20)
        buffer = b""
        with sock:
            while True:
                try:
                    while len(buffer) < 2 or len(buffer) < 2 + struct.unpack(">H", buffer[:2])[0]:
                        got = sock.recv(4096)
                        if not got:
                            return
                        buffer += got
                    size, = struct.unpack(">H", buffer[:2])
                    raw, buffer = buffer[2:2 + size], buffer[2 + size:]
                    for answer in self._answer(raw, peer, True):
                        # A lie may be (octets as they go on the wire,) instead of a message.
                        sock.sendall(answer[0] if isinstance(answer, tuple) else struct.pack(">H", len(answer)) + answer)
                except OSError:
                    return


def _decode(wire):
    out, at = [], 0
    while wire[at]:
        out.append(wire[at + 1:at + 1 + wire[at]].decode("latin-1"))
        at += 1 + wire[at]
    return ".".join(out).lower()


# ---- lies ------------------------------------------------------------------------

def truth(q):
    return [q.truth()]


def silence(q):
    return []


def rcode(code):
    return lambda q: [q.reply((), code)]


servfail = rcode(SERVFAIL)


def truncated(q):
    """TC, so that the question must come again over TCP."""
    return [q.reply((), tc=True)]


def truncated_with_records(q):
    return [q.reply(q.server.records(q)[1][:1], tc=True)]


def wrong_id(q):
    return [q.reply([(None, A, 60, socket.inet_aton("192.0.2.66"))], id_=q.id ^ 0x1234)]


def wrong_id_then_truth(q):
    return wrong_id(q) + [q.truth()]


def flood_of_wrong_ids_then_truth(q):
    """spoofthengood, CVE-2008-1447."""
    forged = []
    for _ in range(100):
        forged.append(q.reply(_poison(q), id_=q.id ^ random.randrange(1, 65536)))
    return forged + [q.truth()]


def _poison(q):
    if q.qtype == MX:
        return [(None, MX, 60, struct.pack(">H", 1) + encode_name("evil.test"))]
    return [(None, A, 60, socket.inet_aton("192.0.2.66"))]


def wrong_case(q):
    """The right id and name, but the letters' case was guessed (0x20)."""
    question = encode_name(q.wire_name.swapcase()) + q.question[-4:]
    return [q.reply(_poison(q), question=question)]


def wrong_case_then_truth(q):
    return wrong_case(q) + [q.truth()]


def wrong_question(q):
    return [q.reply(_poison(q), question=encode_name("evil.test") + q.question[-4:])]


def no_question(q):
    return [q.reply((), question=b"", counts=(0, 0, 0, 0))]


def junk(q):
    return [bytes(random.randrange(256) for _ in range(random.randrange(1, 400)))]


def junk_after_header(q):
    return [q.reply((), counts=(1, 3, 0, 0), extra=bytes(random.randrange(256) for _ in range(80)))]


def half(q):
    whole = q.truth()
    return [whole[:len(whole) * 2 // 3]]


def header_only(q):
    return [q.truth()[:12]]


def empty(q):
    return [b""]


def query_back(q):
    """The query itself, QR not set."""
    return [q.raw]


def count_lies(count=65535):
    """CVE-2020-8277: more records announced than there are."""
    return lambda q: [q.reply(q.server.records(q)[1], counts=(1, count, count, count))]


def rdlength_lies(length):
    """CVE-2020-11901: RDLENGTH beyond, or short of, what is there."""
    def lie(q):
        body = b"".join((o or b"\xc0\x0c") + struct.pack(">HHIH", k, 1, t, length) + d
                        for o, k, t, d in q.server.records(q)[1])
        return [q.reply((), counts=(1, len(q.server.records(q)[1]), 0, 0), extra=body)]
    return lie


def pointer_loop(q):
    """NAME:WRECK: the owner name points to itself."""
    at = 12 + len(q.question)
    owner = struct.pack(">H", 0xc000 | at)
    return [q.reply([(owner, q.qtype, 60, b"\0" * 4)])]


def pointer_loop_in_rdata(q):
    at = 12 + len(q.question) + 2 + 10 + 2
    return [q.reply([(None, MX, 60, struct.pack(">HH", 10, 0xc000 | at))])]


def pointer_past_end(q):
    return [q.reply([(None, MX, 60, struct.pack(">HH", 10, 0xffff))])]


def pointer_forward(q):
    at = 12 + len(q.question) + 2 + 10 + 4
    return [q.reply([(None, MX, 60, struct.pack(">HH", 10, 0xc000 | at) + encode_name("evil.test"))])]


def label_without_end(q):
    """AMNESIA:33: a label longer than the message."""
    return [q.reply([(None, MX, 60, struct.pack(">H", 10) + b"\x3fabc")])]


def label_types_reserved(q):
    return [q.reply([(None, MX, 60, struct.pack(">H", 10) + b"\x80abc\0")])]


def name_too_long(q):
    return [q.reply([(None, MX, 60, struct.pack(">H", 10) + encode_name([b"a" * 63] * 5))])]


def big_udp(size=4000):
    """CVE-2015-7547: far more than was asked for, over UDP."""
    return lambda q: [q.truth() + b"\0" * size]


def cname_to_self(q):
    return [q.reply([(None, CNAME, 1, encode_name(q.name))])]


def cname_ring(length=3):
    """Every question is answered with the next name of a ring."""
    def lie(q):
        n = int(q.name.split(".")[0][4:] or 0) if q.name.startswith("ring") else 0
        return [q.reply([(None, CNAME, 1, encode_name(f"ring{(n + 1) % length}.test"))])]
    return lie


def many_mx(count):
    def lie(q):
        return [q.reply([(None,) + mx(10 + i, f"m{i}.many.test") for i in range(count)])]
    return lie


def tcp_half(q):
    whole = q.truth()
    return [(struct.pack(">H", len(whole)) + whole[:len(whole) // 2],)]


def tcp_length_lies(q):
    return [(struct.pack(">H", 65535) + q.truth(),)]


def tcp_zero_length(q):
    return [(b"\0\0",)]
