#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the fuzzers begin with: the dialogues and vectors of tests/, as inputs of each fuzzer.

  seeds.py FOLDER      writes FOLDER/NAME/... for every fuzzer NAME
"""
import glob
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\(\d+)\*(?:\\x([0-9a-fA-F]{2})|(.))\\")
LONGEST = 4000   # a seed of a megabyte makes slow fuzzing
MESSAGE = (b"Received: from a\r\nFrom: Ada <ada@lan>, bob (x) <bob@x.test>\r\nSender: root\r\n"
           b"Reply-To: \"a, b\" <a@lan>;\r\n\tx@lan\r\nDate: now\r\nMessage-ID: <1@x>\r\n"
           b"Subject : x\r\n\r\n.body \xff\r\n")


def unescape(text):
    def octets(m):
        if m[1]:
            return chr(int(m[1], 16))
        return (chr(int(m[3], 16)) if m[3] else m[4]) * int(m[2])
    return ESCAPE.sub(octets, text).encode("latin-1")


def lines(path):
    with open(os.path.join(TESTS, path), encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip() and line[0] != "#"]


# ---- Dialogues ---------------------------------------------------------------

def dialogue(path, kind):
    """What the side `kind` says, as turns: what it says at once."""
    turns, before = [], None
    for line in lines(path):
        if line[0] == kind:
            bare = line[1] == "~"
            text = unescape(line[3 + bare:] if bare else line[2:].removeprefix(" "))
            text += b"" if bare else b"\r\n"
            if before == kind:
                turns[-1] += text
            else:
                turns.append(text)
        before = line[0]
    return turns


def dialogues():
    """(name, whether it is about the client, its turns), without those that are long."""
    for path in sorted(glob.glob(os.path.join(TESTS, "dialog/*.txt"))):
        client = "@: client" in lines(path)
        turns = dialogue(path, "S" if client else "C")
        if sum(map(len, turns)) <= LONGEST:
            yield os.path.basename(path)[:-4], client, turns, "@: legacy" in lines(path)


def messages():
    """The bodies of the dialogues, as they stand behind DATA."""
    for name, client, turns, _ in dialogues():
        said = b"".join(turns)
        if not client and b"DATA\r\n" in said:
            yield name, said.split(b"DATA\r\n", 1)[1]


def smtpd():
    for name, client, turns, legacy in dialogues():
        if not client:
            yield name, bytes([legacy, 0, 1]) + b"".join(turns)


def smtpc():
    """With the options that make the fuzzer's client say as many MAIL and RCPT as the dialogue's."""
    for name, client, turns, _ in dialogues():
        if not client:
            continue
        said = "\n".join(lines("dialog/%s.txt" % name))
        mails = max(1, min(3, said.count("\nC: MAIL")))
        rcpts = max(1, said.count("\nC: RCPT") // mails)
        option = next(n for n in range(65536) if n % 16 < 3 and (n >> 4) % 12 == rcpts - 1 and n % 3 == mails - 1
                      and n % 29 != 5)
        yield name, struct.pack("<HB", option, 1) + b"\0".join(turns)


def dot():
    return [(name, b"\0" + body) for name, body in messages()]


def line():
    return [(name, b"\0" + said[3:]) for name, said in smtpd()]


def header():
    yield "message", b"\0" + MESSAGE
    yield "folded", b"\0From:\r\n\t<ada@lan>\r\nSender: Ada\r\n <ada@lan>\r\n\r\n"
    for name, body in messages():
        yield name, b"\1" + body


# ---- Vectors -----------------------------------------------------------------

def address():
    for number, text in enumerate(lines("vectors/address.txt")):
        at = unescape(text.split(" ", 2)[2])
        if len(at) <= LONGEST:
            yield "vector-%d" % number, b"\3" + at
            yield "path-%d" % number, b"\3 FROM:" + (at if at[:1] == b"<" else b"<" + at + b">")


def reply():
    for number, text in enumerate(lines("vectors/reply.txt")):
        at = unescape(text.partition(". " if text[0].isdigit() else " ")[2])
        if len(at) <= LONGEST:
            yield "vector-%d" % number, b"\1" + at


def ip():
    yield "all", (b"192.0.2.1\n[::1]:25\n2001:db8::/32\n::ffff:192.0.2.1\n10.0.0.0/8\n1:2:3:4:5:6:7:8\n"
                  b"::1.2.3.4\n192.0.2.1:65535\n::ffff:10.0.0.0/104\n[fe80::1]\n0.0.0.0/0\n::/0\n::2:0:0:3\n")


def envelope():
    yield "all", b"\1Sada@x.test\nHme [192.0.2.1]\nOroot\nRbob@there.test\nReve@there.test\n"
    yield "null", b"\1S\nH\nRbob@there.test\n"


def dsn():
    fixed = struct.pack("<BBIIHH", 0, 1, 7, 1790000000, 27000, 28000)
    rcpt = struct.pack("<HBBBB", 550, 5, 1, 1, 1) + b"bob@there.test\nroot\nNo such user\n"
    yield "failed", fixed + b"ada@x.test\nme [192.0.2.1]\n" + rcpt * 2
    yield "delayed", b"\1" + fixed[1:] + b"ada@x.test\nme [192.0.2.1]\n" + rcpt * 2


# ---- Configurations ----------------------------------------------------------

WAYS = b"""listen 127.0.0.1:25
local_domain here.test lan
alias root ada
alias ada ada b@x.test \\ada
alias loop loop2
alias loop2 loop
postmaster root@lan
deliver *@lan maildir /m/%d/%u users=system
deliver *@here.test maildir /m/%r
route *.example mx.test:26
route x.test [192.0.2.1]
smarthost mail.test:25 tls=none
--
"""
ADDRESSES = (b"ada@lan\n<postmaster>\nroot@here.test\nloop@lan\na@b.example\nc@x.test\nd@[127.0.0.1]\n"
             b"\"ada\"@LAN\n\"../x\"@lan\ne@[192.0.2.7]\nADA@Here.Test\n")


def conf():
    for path in sorted(glob.glob(os.path.join(TESTS, "vectors/conf/*.conf"))):
        with open(path, "rb") as file:
            yield os.path.basename(path), file.read()


def route():
    yield "ways", WAYS + b"\1\4\x00\x11\x12\x35\1\2" + ADDRESSES
    yield "mx", b"local_domain lan\n--\n\1\6\x00\x11\x12\x35\x14\x23\1\0" + ADDRESSES


def aliases():
    yield "file", (b"\3# comment\nroot: ada@lan,\n  bob@x.test\r\nada: \\ada, \"q r\"@x.test\n"
                   b"bad: |/bin/sh\nfile: /dev/null\ninc: :include:/x\nroot: again\nloop: loop\n")


# ---- DNS ---------------------------------------------------------------------

def name(text):
    return b"".join(bytes([len(label)]) + label for label in text.split(b".") if label) + b"\0"


def record(kind, data, owner=b"\xc0\x0c", ttl=300):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def mx_data(preference, host):
    return struct.pack(">H", preference) + host


SOA = record(6, name(b"ns.test") + b"\0" + struct.pack(">5I", 1, 2, 3, 4, 60))
OPT = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
RECORDS = {   # name: (type, rcode, answers, authorities, additionals, records)
    "a": (1, 0, 2, 0, 1, record(1, b"\xc0\0\2\1") + record(1, b"\xc0\0\2\2") + OPT),
    "aaaa": (28, 0, 1, 0, 0, record(28, bytes(15) + b"\1")),
    "mx": (15, 0, 3, 0, 0, record(15, mx_data(20, name(b"b.test"))) + record(15, mx_data(10, b"\xc0\x0c")) +
           record(15, mx_data(10, b"\2mx\xc0\x0c"))),
    "null-mx": (15, 0, 1, 0, 0, record(15, mx_data(0, b"\0"))),
    "cname": (1, 0, 2, 0, 0, record(5, name(b"x.test")) + record(1, b"\xc0\0\2\1", name(b"x.test"))),
    "alias": (15, 0, 1, 0, 0, record(5, name(b"x.test"))),
    "no-name": (15, 3, 0, 1, 0, SOA), "no-data": (1, 0, 0, 1, 0, SOA),
    "referral": (1, 0, 0, 1, 0, record(2, name(b"ns.test"))),
    "formerr": (1, 1, 0, 0, 0, b""), "servfail": (1, 2, 0, 0, 1, OPT),
}


def dns():
    for label, (kind, code, answers, authorities, additionals, records) in RECORDS.items():
        head = struct.pack(">HBBHHHH", 7, 0x81, 0x80 | code, 1, answers, authorities, additionals)
        question = name(b"there.test") + struct.pack(">HH", kind, 1)
        option = {1: 0, 15: 1, 28: 2}[kind]
        yield label, bytes([option]) + head + question + records
    yield "name", bytes([10 << 3]) + b"\0\0" + b"there.test"


def resolver():
    for label, (kind, code, answers, authorities, additionals, records) in RECORDS.items():
        what = {1: 0, 15: 4, 28: 8}[kind]
        honest = bytes([1, 0, 0x40, 0, 0x80 | code, answers, authorities, additionals, len(records)]) + records
        forged = bytes([1, 0, 5])
        truncated = bytes([1, 0, 0x40, 2, 0, 0, 0, 0, 0])
        yield label, bytes([1, 1, 0, what]) + forged + honest
        yield label + "-tcp", bytes([1, 0, 0, what]) + truncated + honest + honest


# ---- The rest ----------------------------------------------------------------

def schedule():
    yield "some", bytes([1, 1]) + bytes([0, 1, 5, 0, 1, 2, 9, 0, 5, 1, 1, 0, 7, 0, 50, 0, 3, 0, 0, 0, 6, 0, 0, 0,
                                         0x83, 0, 0, 0, 4, 2, 0, 0, 2, 1, 0, 0])


def incoming():
    """Each dialogue from a friend, a stranger and a device."""
    for label, client, turns, legacy in dialogues():
        if not client:
            yield label, bytes([2 if legacy else 0, 1]) + b"".join(turns)
    letter = (b"EHLO me\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<%s>\r\nRCPT TO:<root@here.test>\r\nDATA\r\n" +
              MESSAGE + b".\r\n")
    for peer in range(4):
        yield "letter-%d" % peer, bytes([peer, 7]) + (letter % b"b@there.test") + (letter % b"ada@here.test")
        yield "silent-%d" % peer, bytes([peer | 4, 1]) + letter % b"eve@here.test"


def outgoing():
    for label, client, turns, _ in dialogues():
        if client:
            yield label, b"\1" + b"\0".join(turns)
    # One reply at a time; in which order the messages go is not ours to say.
    for label, rcpts in (("one", (1, 2, 4, 1)), ("two", (1, 4, 1, 2)), ("three", (2, 1, 4, 1)), ("four", (4, 1, 1, 2))):
        turns = [b"220 x\r\n", b"250 8BITMIME\r\n"]
        for count in rcpts:
            turns += [b"250 ok\r\n"] * (1 + count) + [b"354 go\r\n", b"250 ok\r\n"]
        yield "serial-" + label, b"\0" + b"\0".join(turns)
        yield "pieces-" + label, b"\2" + b"\0".join(turns)


def control():
    yield "all", (b"\1queue\nstatus\nresolve there.test\nresolve [192.0.2.1]\nshow 00000001\nshow 2\nhold all\n"
                  b"remove 3\nreload\nbad\nrelease there.test\nretry all\nqueue\nremove all\n")


# A message that rotted, and a journal that goes on in a new sector: the second mount dropped it.
DROPPED = ("e144ff1f45961444ad502e4596221014449622e710109622e71f459622ad50459622e7"
           "10109622e71f000055efa0bb633c109622e7101444ad502e459622101444ad502e4596")


def rot():
    yield "dropped", bytes.fromhex(DROPPED)
    for options in range(16):
        history = bytes((options * 37 + i * i * 29 + i // 3) & 255 for i in range(240))
        for kind in range(7):
            marks = b"".join(bytes([kind, at & 255, at >> 8, 77]) for at in (40, 1070, 5000, 16000))
            yield "%d-%d" % (options, kind), bytes([options, 60, 4, 100]) + history[:200] + marks + history


def image():
    """The fuzzer makes its own."""
    yield "blank", b"\0"


FUZZERS = {f.__name__: f for f in (
    smtpd, smtpc, dot, line, header, address, reply, ip, envelope, dsn, conf, route, aliases, dns, resolver,
    schedule, incoming, outgoing, control, rot, image)}


def main(folder):
    for name, seeds in FUZZERS.items():
        there = os.path.join(folder, name)
        os.makedirs(there, exist_ok=True)
        for seed, octets in seeds():
            with open(os.path.join(there, seed), "wb") as file:
                file.write(octets)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
