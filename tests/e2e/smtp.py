# SPDX-License-Identifier: BSD-2-Clause
"""A client that says exactly what the test says, and messages to say."""

import re
import socket
import struct
import time


class Reply:
    def __init__(self, raw):
        self.raw = raw
        lines = raw.split(b"\r\n")
        assert lines.pop() == b"", f"reply does not end in CRLF: {raw!r}"
        self.code = int(lines[-1][:3])
        for i, line in enumerate(lines):
            last = i == len(lines) - 1
            assert re.fullmatch(rb"[2-5][0-9]{2}" + (b" " if last else b"-") + rb"[\x20-\x7e]*", line), f"bad reply line {line!r}"
            assert int(line[:3]) == self.code, f"codes differ within {raw!r}"
            assert len(line) <= 510
        self.lines = [line[4:].decode("ascii") for line in lines]
        m = re.match(r"([245]\.\d{1,3}\.\d{1,3}) ", self.lines[-1] + " ")
        self.enhanced = m[1] if m else None

    def __eq__(self, other):
        """reply == 250, reply == "550 5.1.1" """
        if isinstance(other, int):
            return self.code == other
        code, _, enhanced = other.partition(" ")
        return self.code == int(code) and (not enhanced or self.enhanced == enhanced)

    def __repr__(self):
        return f"<{self.raw!r}>"


class Closed(Exception):
    """The server closed or reset the connection."""


class Smtp:
    """A raw SMTP connection.  Nothing is checked on the way out, everything on the way in."""

    def __init__(self, port, address="127.0.0.1", source=None, timeout_s=10.0, greet=True, helo=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(timeout_s)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((address, port))
        self.buffer = b""
        self.banner = self.reply() if greet else None
        if helo:
            assert self.cmd(f"EHLO {helo}") == 250

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
        return False

    def close(self):
        self.sock.close()

    def reset(self):
        """RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1")
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed(str(e)) from e

    def send_slowly(self, data, chunk=1, pause_s=0.0):
        for i in range(0, len(data), chunk):
            self.send(data[i:i + chunk])
            if pause_s:
                time.sleep(pause_s)

    def _line(self):
        while b"\r\n" not in self.buffer:
            try:
                got = self.sock.recv(65536)
            except ConnectionResetError as e:
                raise Closed("reset") from e
            if not got:
                raise Closed(f"end of stream, unfinished: {self.buffer!r}")
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line + b"\r\n"

    def reply(self):
        raw = b""
        while True:
            line = self._line()
            raw += line
            if line[3:4] != b"-":
                return Reply(raw)

    def replies(self, n):
        return [self.reply() for _ in range(n)]

    def at_end(self):
        """Whether the server has closed, and said nothing more."""
        try:
            return not self.buffer and not self.sock.recv(1)
        except ConnectionResetError:
            return not self.buffer

    def cmd(self, line):
        if isinstance(line, str):
            line = line.encode("latin-1")
        self.send(line + b"\r\n")
        return self.reply()

    def silent(self, seconds=0.15):
        """Nothing more came within so long."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            got = self.sock.recv(65536)
            self.buffer += got
            return not got
        except socket.timeout:
            return not self.buffer
        finally:
            self.sock.settimeout(before)

    def closed(self, timeout_s=5.0):
        """The server ends the connection; what it still said is in buffer."""
        self.sock.settimeout(timeout_s)
        try:
            while True:
                got = self.sock.recv(65536)
                if not got:
                    return True
                self.buffer += got
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def envelope(self, sender, rcpts, helo="client.test", params=""):
        if helo:
            assert self.cmd(f"EHLO {helo}") == 250
        r = self.cmd(f"MAIL FROM:<{sender}>{params}")
        assert r == 250, r
        for rcpt in [rcpts] if isinstance(rcpts, str) else rcpts:
            r = self.cmd(f"RCPT TO:<{rcpt}>")
            assert r == 250, r

    def begin_data(self, sender, rcpts, helo="client.test", params=""):
        self.envelope(sender, rcpts, helo, params)
        r = self.cmd("DATA")
        assert r == 354, r

    def quit(self):
        r = self.cmd("QUIT")
        assert r == 221, r
        assert self.closed()
        self.close()


def stuff(message):
    """Dot transparency and the end of data.  message: CRLF lines, ends in CRLF."""
    assert message.endswith(b"\r\n") or message == b""
    if message.startswith(b"."):
        message = b"." + message
    return message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def submit(port, sender, rcpts, message, address="127.0.0.1", source=None, helo="client.test", timeout_s=20.0, params=""):
    """Sends one message in a connection of its own; the reply to the dot."""
    with Smtp(port, address, source, timeout_s) as c:
        c.begin_data(sender, rcpts, helo, params)
        c.send(stuff(message))
        r = c.reply()
        c.quit()
        return r


_serial = 0


def message(body=b"Hello.\r\n", subject="test", extra="", sender="ada@client.test", to="bob@there.test"):
    """A message that nobody has a reason to add anything to but trace."""
    global _serial
    _serial += 1
    head = (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 20:00:00 +0000\r\n"
            f"Message-ID: <{_serial}.{time.time_ns()}@client.test>\r\n{extra}\r\n")
    return head.encode("utf-8") + body


def message_id(message_bytes):
    return re.search(rb"(?im)^message-id:\s*(\S+)", message_bytes)[1]


def same(delivered, sent):
    """What arrived is what was sent, octet by octet, below the trace fields that were added on top."""
    if b"\r\n" in sent and b"\r\n" not in delivered:
        sent = sent.replace(b"\r\n", b"\n")
    if not delivered.endswith(sent):
        return False
    top = delivered[:-len(sent)]
    return bool(re.fullmatch(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*", top))


def explain(delivered, sent):
    if b"\r\n" not in delivered:
        sent = sent.replace(b"\r\n", b"\n")
    at = delivered.find(sent[:20])
    tail = delivered[at:] if at >= 0 else delivered
    for i, (a, b) in enumerate(zip(tail, sent)):
        if a != b:
            return f"differs at {i}: got {tail[max(0, i - 30):i + 30]!r}, sent {sent[max(0, i - 30):i + 30]!r}"
    return f"length: got {len(tail)}, sent {len(sent)}; got ends {tail[-60:]!r}"


def assert_same(delivered, sent):
    assert same(delivered, sent), explain(delivered, sent)
