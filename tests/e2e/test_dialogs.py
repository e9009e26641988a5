# SPDX-License-Identifier: BSD-2-Clause
"""The server's dialogues of tests/dialog once more, against the real binary: all that the client says in
one go, octet by octet, and in pieces of sizes between.  Only those whose questions a configuration answers:
yes to all.  The lines that the server says must be those of the dialogue, and what it says it has accepted
must be in the recipient's mailbox."""

import glob
import os
import re
import socket

import pytest

from pipit import TREE, Pipit

FOLDER = os.path.join(TREE, "tests/dialog")
ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\(\d+)\*(?:\\x([0-9a-fA-F]{2})|(.))\\")
OCTET_BY_OCTET_MAX = 8000   # longer ones go in larger pieces
USUAL = "relay_from 192.0.2.0/24\npostmaster ada@here.test\n"
SETTINGS = {"legacy": "device 127.0.0.1 legacy=yes\n"}


def unescape(text):
    def octets(m):
        if m[1]:
            return chr(int(m[1], 16))
        return (chr(int(m[3], 16)) if m[3] else m[4]) * int(m[2])
    return ESCAPE.sub(octets, text).encode("latin-1")


class Dialogue:
    """What the client says, how the server's lines begin, and which bodies are accepted for whom."""

    def __init__(self):
        self.said, self.lines, self.mails, self.settings = b"", [], [], ""
        self.rcpts, self.body, self.answered = [], b"", False

    def question(self, line):
        """False: not to be had from a configuration that says yes."""
        what, _, answer = line[3:].partition(" -> ")
        if answer not in ("", "OK") and not answer.startswith("250"):
            return False
        if what.startswith("RCPT "):
            user, _, domain = what[5:].partition("@")
            if domain != "here.test" and what != "RCPT postmaster":
                return False
            self.rcpts.append("ada" if what == "RCPT postmaster" else user)
        elif what.startswith("MAIL "):
            self.rcpts = []
        elif what.startswith("DATA"):
            self.body = b""
        elif what.startswith("BODY "):
            self.body = unescape(what[5:])
        elif what == "COMMIT":
            self.mails += [(user, self.body) for user in self.rcpts]
        return True

    def line(self, line):
        if line.startswith("@: "):
            self.settings = SETTINGS.get(line[3:])
            return self.settings is not None
        if line.startswith("!"):
            return False
        if line.startswith("?:"):
            self.answered = True
            return self.question(line)
        if line.startswith("C~:"):
            self.said += unescape(line[4:])
        elif line.startswith("C:"):
            self.said += unescape(line[3:]) + b"\r\n"
        elif line.startswith("S:"):
            text = unescape(line[3:]).replace(b"gw.test", b"mx.here.test")
            self.lines.append(text[:3] if self.answered else text)   # our yes has other words
            self.answered = False
        return True


def all_dialogues():
    found = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.txt"))):
        d = Dialogue()
        with open(path, encoding="ascii") as lines:
            if all(d.line(line.rstrip("\n")) for line in lines):
                found[os.path.basename(path)[:-4]] = d
    return found


DIALOGUES = all_dialogues()


@pytest.fixture(scope="module")
def servers(root_folder):
    """A Pipit for each setting that dialogues ask for, started when the first one does."""
    running = {}

    def get(settings):
        if settings not in running:
            folder = os.path.join(root_folder, "dialogues-%d" % len(running))
            running[settings] = Pipit(folder, USUAL + settings)
            running[settings].start()
        return running[settings]
    yield get
    for p in running.values():
        p.stop()


def talk(port, said, piece):
    """What came back until the server closed."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)   # a piece is a segment
        try:
            for at in range(0, len(said), piece):
                s.sendall(said[at:at + piece])
            s.shutdown(socket.SHUT_WR)   # what was said is answered all the same
            while chunk := s.recv(65536):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return got


def arrived(p, users):
    return {user: p.mail(user) for user in users}


def test_there_are_dialogues():
    assert len(DIALOGUES) > 40
    assert {d.settings for d in DIALOGUES.values()} == {"", *SETTINGS.values()}
    assert sum(len(d.mails) for d in DIALOGUES.values()) > 10


@pytest.mark.parametrize("piece", [1 << 24, 1, 2, 7, 100])
@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue(servers, name, piece):
    d = DIALOGUES[name]
    p = servers(d.settings)
    if len(d.said) > OCTET_BY_OCTET_MAX:
        piece = max(piece, 4096)
    before = arrived(p, {user for user, _ in d.mails})
    got = talk(p.port, d.said, piece).split(b"\r\n")[:-1]
    assert [line[:len(want)] for line, want in zip(got, d.lines)] == d.lines
    assert len(got) == len(d.lines)
    for user, old in before.items():
        bodies = [body for name, body in d.mails if name == user]
        new = p.wait_mail(user, len(old) + len(bodies))
        assert len(new) == len(old) + len(bodies)
        for mail in new:
            if mail not in old:
                assert any(mail.endswith(body.replace(b"\r\n", b"\n")) for body in bodies)
