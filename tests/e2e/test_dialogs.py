# SPDX-License-Identifier: BSD-2-Clause
"""The server's dialogues of tests/dialog once more, against the real binary: all that the client says in
one go, and in small pieces.  Only those whose questions a configuration answers: yes to all."""

import glob
import os
import re
import socket

import pytest

from pipit import TREE, Pipit

FOLDER = os.path.join(TREE, "tests/dialog")
ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\(\d+)\*(?:\\x([0-9a-fA-F]{2})|(.))\\")


def unescape(text):
    def octets(m):
        if m[1]:
            return chr(int(m[1], 16))
        return (chr(int(m[3], 16)) if m[3] else m[4]) * int(m[2])
    return ESCAPE.sub(octets, text).encode("latin-1")


def dialogue(path):
    """(what the client says, the codes of what the server says), or None."""
    said, codes = b"", []
    with open(path, encoding="ascii") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line[:2] in ("@:", "!:"):
                return None
            if line.startswith("?:"):
                answer = line.rpartition("-> ")[2] if "-> " in line else "OK"
                if answer != "OK" and not answer.startswith("250"):
                    return None
                if line.startswith("?: RCPT") and "@here.test " not in line and "RCPT postmaster " not in line:
                    return None
            elif line.startswith("C~:"):
                said += unescape(line[4:])
            elif line.startswith("C:"):
                said += unescape(line[3:]) + b"\r\n"
            elif line.startswith("S:"):
                codes.append(line[3:6].encode())
    return said, codes


def all_dialogues():
    found = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.txt"))):
        d = dialogue(path)
        if d:
            found[os.path.basename(path)[:-4]] = d
    return found


DIALOGUES = all_dialogues()


@pytest.fixture(scope="module")
def here(root_folder):
    p = Pipit(os.path.join(root_folder, "dialogues"), "relay_from 192.0.2.0/24\npostmaster ada@here.test")
    with p:
        yield p


def talk(port, said, piece):
    """What came back until the server closed, or until it had nothing to say for a moment."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        try:
            for at in range(0, len(said), piece):
                s.sendall(said[at:at + piece])
            s.shutdown(socket.SHUT_WR)   # what was said is answered all the same
            while chunk := s.recv(65536):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return got


def test_there_are_dialogues():
    assert len(DIALOGUES) > 30


@pytest.mark.parametrize("piece", [1 << 24, 7])
@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue(here, name, piece):
    said, codes = DIALOGUES[name]
    if len(said) > 100000:
        piece = max(piece, 4096)
    got = [line[:3] for line in talk(here.port, said, piece).split(b"\r\n")[:-1]]
    assert got == codes
