# SPDX-License-Identifier: BSD-2-Clause
"""What others fell to, one test each, named after it; those that come by DNS are in test_mx.py, by a
peer's replies in test_deliver_out.py and test_bounce.py, by the command line in test_cli.py."""

import os
import random
import re
import socket
import time

import pytest

from pipit import Pipit, free_port
from sink import Sink, Then, DROP
from smtp import Closed, Smtp, assert_same, message, stuff, submit

STRANGER = "127.0.0.66"


@pytest.fixture(scope="module")
def world(root_folder):
    """One Pipit under all attacks: what one leaves behind, the next would meet.  127.0.0.66 is a stranger to it."""
    with Sink() as s:
        p = Pipit(os.path.join(root_folder, "attacked"), f"route there.test 127.0.0.1:{s.port}\nrelay_from 127.0.0.1/32\nqueue queue 32M")
        with p:
            yield p, s


@pytest.fixture
def here(world):
    """Alive before, alive after, and still delivering."""
    p, s = world
    assert p.alive(), p.log_tail()
    yield p
    assert p.alive(), p.log_tail()
    m = message()
    before = len(s.transactions)
    assert submit(p.port, "ada@client.test", "after@there.test", m) == 250
    s.wait(before + 1)
    assert_same(s.transactions[-1].data, m)


@pytest.fixture
def session(here):
    made = []

    def maker(source=STRANGER, **kw):
        c = Smtp(here.port, source=source, **kw)
        made.append(c)
        return c
    yield maker
    for c in made:
        c.close()


# ---- SMTP smuggling: CVE-2023-51764, -51765, -51766, CVE-2024-27305 ---------------------------------

END_OF_DATA = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CR.CRLF": b"\r.\r\n", "CRLF.CR": b"\r\n.\r",
    "LF.CR": b"\n.\r", "CR.LF": b"\r.\n", "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n", "CRLF.CRCRLF": b"\r\n.\r\r\n", "CRCRLF.CRLF": b"\r\r\n.\r\n",
    "LFCR.LFCR": b"\n\r.\n\r", "CRLF-NUL.CRLF": b"\r\n\0.\r\n", "CRLF.NUL-CRLF": b"\r\n.\0\r\n", "CRLF-blank.CRLF": b"\r\n .\r\n",
    "CRLF.blank-CRLF": b"\r\n. \r\n", "CRLF.tab-CRLF": b"\r\n.\t\r\n", "CRLF..CRLF": b"\r\n..\r\n", "LF..LF": b"\n..\n", "LFLF.LFLF": b"\n\n.\n\n",
    "CRLFNUL.NULCRLF": b"\r\n\0.\0\r\n", "NEL.NEL": b"\xc2\x85.\xc2\x85", "VT.VT": b"\x0b.\x0b", "FF.FF": b"\x0c.\x0c", "CRLF.CRLF-in-7bit-shift": b"\x8d\x8a.\x8d\x8a",
    "LF.CRLF-at-start": None,
}
SMUGGLED = b"MAIL FROM:<admin@client.test>\r\nRCPT TO:<victim@here.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n"


@pytest.mark.parametrize("name", END_OF_DATA)
def test_smuggling_from_a_stranger(here, session, name):
    """End of data is CRLF.CRLF and nothing else: one reply to the body, one message or none."""
    end = END_OF_DATA[name]
    c = session()
    c.begin_data("eve@evil.test", "smuggle@here.test")
    inner = b"Subject: outer\r\n\r\nbody" + end + SMUGGLED if end else b"\n.\r\n" + SMUGGLED
    c.send(inner)
    first = c.reply()
    if name == "CRCRLF.CRLF":   # CRLF.CRLF is in it: an end, and the session's too
        assert c.at_end(), "a smuggled command was answered"
    else:
        assert c.cmd("NOOP") == 250, "replies are one ahead: a smuggled command was run"
    bare = re.search(rb"\r(?!\n)|(?<!\r)\n", inner)
    if bare:
        assert first == "550 5.6.11", first
    if name != "CRCRLF.CRLF":
        c.quit()
    here.wait_empty()
    assert not here.mail("victim")
    if not bare:
        assert first == 250
        assert b"smuggled" in here.wait_mail("smuggle")[-1], "it is body, all of it"


@pytest.mark.parametrize("name", [n for n in END_OF_DATA if n != "LF.CRLF-at-start"])
def test_smuggling_through_to_postfix(make, postfix, name):
    """The next hop is one that may take bare LF for a line end: what leaves has none."""
    p = make(f"mx_port {postfix.port}\nroute postfix.test {postfix.address}:{postfix.port}\nrelay_from 127.0.0.0/8")
    user = "sm-" + re.sub(r"[^a-z]", "", name.lower())
    evil = SMUGGLED.replace(b"victim@here.test", b"victim@postfix.test")
    with Smtp(p.port) as c:
        c.begin_data("eve@evil.test", f"{user}@postfix.test")
        c.send(b"Subject: outer\r\n\r\nbody" + END_OF_DATA[name] + evil)
        r = c.reply()
        assert c.at_end() if name == "CRCRLF.CRLF" else c.cmd("NOOP") == 250
    p.wait_empty()
    if r == 250:
        assert b"smuggled" in postfix.wait_mail(user)[0]
    assert not postfix.mail("victim")


@pytest.mark.parametrize("name", [n for n in END_OF_DATA if n != "LF.CRLF-at-start"])
def test_smuggling_by_a_legacy_device(make, make_sink, name):
    """A device may end lines as it likes, and is repaired; end of data it may not."""
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}\ndevice 127.0.0.1 legacy=yes")
    with Smtp(p.port) as c:
        c.begin_data("cam@client.test", "bob@there.test")
        c.send(b"Subject: outer\r\n\r\nbody" + END_OF_DATA[name] + SMUGGLED.replace(b"victim@here.test", b"victim@there.test"))
        assert c.reply() == 250
        assert c.cmd("NOOP") == 250
    s.wait()
    p.wait_empty()
    assert len(s.transactions) == 1
    data = s.transactions[0].raw
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data), "a bare CR or LF was sent on"
    assert s.transactions[0].rcpts == ["bob@there.test"]


def test_bare_CR_LF_anywhere_is_refused_from_strangers(here, session):
    for body in (b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n\r\n", b"\r\r\n", b"a\r\n\nb\r\n", b"a\r\n\rb\r\n"):
        c = session()
        c.begin_data("eve@evil.test", "bare@here.test")
        c.send(body + b".\r\n")
        r = c.reply()
        assert r == "550 5.6.11", (body, r)
        assert c.at_end() if body.endswith(b"\r\r\n") else c.cmd("NOOP") == 250
    here.wait_empty()
    assert not here.mail("bare")


@pytest.mark.parametrize("cut", range(1, 9))
def test_bare_LF_across_any_chunk_boundary(here, session, cut):
    """CR and LF in different segments are CRLF; nothing between them is not forgotten."""
    c = session()
    c.begin_data("eve@evil.test", "chunks@here.test")
    wire = b"x\r\n.\r\n"
    text = b"Subject: c\r\n\r\n" + wire
    at = len(text) - min(cut, len(wire))
    c.send(text[:at])
    time.sleep(0.03)
    c.send(text[at:])
    assert c.reply() == 250


@pytest.mark.parametrize("line", [b"NOOP\n", b"NOOP\r", b"NOOP\r\r\n", b"NOOP\n\r\n", b"\nNOOP\r\n", b"NO\rOP\r\n", b"MAIL FROM:<a@b.test>\nRCPT TO:<c@here.test>\r\n"])
def test_bare_CR_LF_in_commands(here, session, line):
    """A line of commands ends in CRLF, too: two commands are never seen where there is one."""
    c = session(helo="evil.test")
    c.send(line)
    c.send(b"\r\nNOOP\r\n")
    codes = []
    try:
        for _ in range(3):
            c.sock.settimeout(0.5)
            codes.append(c.reply().code)
    except (socket.timeout, Closed):
        pass
    assert codes.count(250) <= 2, codes


# ---- commands ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("length", [255, 256, 257, 511, 512, 513, 1000, 2047, 2048, 2049, 10_000, 100_000])
@pytest.mark.parametrize("verb", ["HELO", "EHLO"])
def test_CVE_2019_16928_and_2015_0235_GHOST_long_HELO(here, session, verb, length):
    c = session()
    r = c.cmd(verb + " " + "1." * (length // 2))
    assert r.code in (250, 500, 501, 550)
    assert c.cmd("NOOP") == 250
    if r == 250:
        c.envelope("eve@evil.test", "ghost@here.test", helo=None)
        assert c.cmd("DATA") == 354
        c.send(message() + b".\r\n")
        assert c.reply() == 250
        got = here.wait_mail("ghost")[-1]
        assert max(len(line) for line in got.split(b"\n")) < 998


HELO = ["", " ", "\x00", "a\x00b", "x\x1b[31mred\x1b[0m", "a b c", "<>", "[", "[]", "[127.0.0.1", "[IPv6:]", "\"", "(", "a)b", ";", "$(id)", "`id`", "%n%n", "\xff\xfe",
        "../../etc/passwd", "x\rMAIL", "-oX", "=?utf-8?q?x?=", "a" * 64 + "." + "b" * 64]


@pytest.mark.parametrize("n", range(len(HELO)))
def test_odd_HELO_in_trace_and_log(here, session, n):
    """Whatever it calls itself, the Received field is one field and the log one line."""
    c = session()
    r = c.cmd("EHLO " + HELO[n])
    if r == 250:
        c.envelope("eve@evil.test", f"helo{n}@here.test", helo=None)
        assert c.cmd("DATA") == 354
        c.send(message() + b".\r\n")
        assert c.reply() == 250
        got = here.wait_mail(f"helo{n}")[0]
        head = got.split(b"\nFrom: ")[0]
        assert head.count(b"\nReceived: ") + head.startswith(b"Received: ") == 1
        assert not set(head) & (set(range(32)) - {9, 10} | {127}), head
    c.cmd("QUIT")


@pytest.mark.parametrize("path", ["${run{/bin/touch /tmp/pipit-owned}}@localhost", "${run{x}}@here.test", "`id`@here.test", "$(id)@here.test", "a|b@here.test", "root+${x}@here.test"])
def test_CVE_2019_10149_run_in_RCPT(here, session, path):
    c = session(helo="evil.test")
    assert c.cmd("MAIL FROM:<eve@evil.test>") == 250
    r = c.cmd(f"RCPT TO:<{path}>")
    assert r.code in (250, 501, 550, 553)
    assert not os.path.exists("/tmp/pipit-owned")


@pytest.mark.parametrize("path", [";sh;", "|sh", "`sh`@x.test", ";touch /tmp/pipit-owned;@x.test", "a b@x.test", "-oQ/tmp@x.test", "\"|sh\"@x.test"])
def test_CVE_2020_7247_shell_in_MAIL(here, session, path):
    c = session(helo="evil.test")
    r = c.cmd(f"MAIL FROM:<{path}>")
    assert r.code in (250, 501, 553, 555)
    if r == 250 and c.cmd("RCPT TO:<shell@here.test>") == 250 and c.cmd("DATA") == 354:
        c.send(message() + b".\r\n")
        c.reply()
    assert not os.path.exists("/tmp/pipit-owned")


@pytest.mark.parametrize("param", ["AUTH=a+0Aroot:0", "AUTH=a+0D+0AX: y", "AUTH=<>+0A", "AUTH=+", "AUTH=" + "+41" * 300, "ENVID=x", "RET=FULL"])
def test_CVE_2020_28021_newline_in_MAIL_AUTH(here, session, param):
    c = session(helo="evil.test")
    r = c.cmd(f"MAIL FROM:<eve@evil.test> {param}")
    assert r.code in (250, 500, 501, 504, 555)
    if r == 250:
        assert c.cmd("RCPT TO:<auth@here.test>") == 250
        assert c.cmd("DATA") == 354
        c.send(message() + b".\r\n")
        assert c.reply() == 250
        assert b"root:0" not in here.wait_mail("auth")[-1].split(b"\nFrom:")[0]


@pytest.mark.parametrize("param", ["NOTIFY=NEVER ORCPT=rfc822;x+0Ay", "ORCPT=rfc822;" + "a" * 600, "ORCPT=" + "x" * 1900, "ORCPT=rfc822;a\x00b"])
def test_CVE_2020_28026_ORCPT(here, session, param):
    c = session(helo="evil.test")
    assert c.cmd("MAIL FROM:<eve@evil.test>") == 250
    r = c.cmd(f"RCPT TO:<orcpt@here.test> {param}")
    assert r.code in (500, 501, 555), r
    assert c.cmd("NOOP") == 250


@pytest.mark.limit(60)
def test_CVE_2020_28017_so_many_RCPTs(here, session):
    """Seventy thousand recipients: the count does not overflow, 452 4.5.3 comes in time, those before stay."""
    c = session(helo="evil.test", timeout_s=30)
    assert c.cmd("MAIL FROM:<eve@evil.test>") == 250
    ok = refused = 0
    ended = False
    try:
        for start in range(0, 70_000, 500):
            c.send("".join(f"RCPT TO:<r{n}@here.test>\r\n" for n in range(start, start + 500)))
            for r in c.replies(500):
                if r == 250:
                    ok += 1
                else:
                    assert r.code in (421, 452, 503), r
                    refused += 1
                    if r.code == 421:
                        raise Closed("sent away")
    except Closed:
        ended = True
    assert 100 <= ok <= 1000 and refused
    if not ended:
        assert c.cmd("RSET") == 250


def test_CVE_2005_1513_qmail_size_overflow(here, session):
    for size in ("4294967295", "4294967296", "4294967297", "18446744073709551616", "99999999999999999999", "2147483648"):
        c = session(helo="evil.test")
        r = c.cmd(f"MAIL FROM:<eve@evil.test> SIZE={size}")
        assert r.code in (501, 552), (size, r)


@pytest.mark.parametrize("field", ["From", "To", "Sender", "Reply-To"])
def test_CVE_2002_1337_crackaddr(here, field):
    m = message(extra=f"{field}: " + "<>" * 2000 + "()" * 1000 + "(" * 500 + ")" * 500 + "\r\n")
    assert submit(here.port, "eve@evil.test", f"crack-{field.lower()}@here.test", m) == 250
    assert_same(here.wait_mail(f"crack-{field.lower()}")[0], m)


@pytest.mark.parametrize("octet", ["\xff", "\x80", "\x00", "\x7f", "\x01", "\r", "\n", "\\", "\xff\xff\xff\xff"])
def test_CVE_2003_0161_prescan_octet_in_address(here, session, octet):
    c = session(helo="evil.test")
    r = c.cmd(f"MAIL FROM:<a{octet}b@evil.test>")
    assert 200 <= r.code < 600
    if octet in ("\xff", "\x00", "\x80", "\x7f", "\x01"):
        assert r.code // 100 == 5, "an octet that no address has"


def test_CVE_2020_28020_long_header_lines(here):
    """Header lengths that overflow nothing: one field of a megabyte, folded fields of thousands of lines."""
    for extra in ("X-Long: " + "a" * (1 << 20) + "\r\n", "X-Folded: a\r\n" + " b\r\n" * 50_000, "X" * 5000 + ": y\r\n", ":\r\n", " starts folded\r\n" + "Subject:\r\n\t\r\n"):
        m = message(extra=extra)
        assert submit(here.port, "eve@evil.test", "longhdr@here.test", m) == 250
        assert_same(here.wait_mail("longhdr")[-1], m)
        for f in os.listdir(f"{here.maildirs}/longhdr/new"):
            os.remove(f"{here.maildirs}/longhdr/new/{f}")


def test_CVE_2018_0500_dot_stuffing_expansion(world):
    """A body that doubles by stuffing, out to the next hop."""
    p, s = world
    m = message(b".\r\n" * 100_000)
    before = len(s.transactions)
    assert submit(p.port, "ada@client.test", "dots@there.test", m) == 250
    s.wait(before + 1)
    assert_same(s.transactions[-1].data, m)


@pytest.mark.parametrize("path", ['"a@evil.test x"@here.test', '"a@evil.test"@here.test', "ok@here.test)bob@evil.test", "ok@here.test(bob@evil.test)", "<ok@here.test>,bob@evil.test",
                                  "bob@evil.test@here.test", "bob@evil.test,ok@here.test", "ok@here.test bob@evil.test", "ok@here.test>bob@evil.test", '"ok@here.test"bob@evil.test',
                                  "ok@here.test\x00@evil.test", "ok@evil.test\x00@here.test"])
def test_CVE_2025_13033_and_2023_27043_which_domain(here, session, path):
    """A stranger's path is taken for what it is, or refused: never sent to evil.test."""
    c = session(helo="evil.test")
    assert c.cmd("MAIL FROM:<eve@evil.test>") == 250
    r = c.cmd(f"RCPT TO:<{path}>")
    if r == 250:
        assert c.cmd("DATA") == 354
        c.send(message() + b".\r\n")
        c.reply()
    else:
        assert r.code // 100 == 5
    here.wait_empty()
    assert "evil.test" not in " ".join(f["to"].rsplit("@")[-1] for m in here.queue() for f in m["rcpt_rows"])


# ---- other protocols on this port -----------------------------------------------------------------------

def test_CVE_2021_3618_ALPACA_HTTP_POST(here, session):
    """A browser made to speak to us: not one of the SMTP lines in its body is obeyed."""
    c = session()
    body = b"EHLO evil.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<http@here.test>\r\nDATA\r\nSubject: http\r\n\r\nx\r\n.\r\nQUIT\r\n"
    c.send(b"POST / HTTP/1.1\r\nHost: mx.here.test:25\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert c.closed(5), "an HTTP client is sent away"
    here.wait_empty()
    assert not here.mail("http")


@pytest.mark.parametrize("verb", ["GET / HTTP/1.1", "POST / HTTP/1.0", "PUT /x HTTP/1.1", "HEAD / HTTP/1.1", "CONNECT x:25 HTTP/1.1", "Host: x", "Content-Type: text/html", "User-Agent: x"])
def test_HTTP_on_the_plain_port(here, session, verb):
    c = session()
    c.send(verb + "\r\n")
    r = c.reply()
    assert r.code in (421, 500, 502, 503, 521, 554)
    c.send("MAIL FROM:<eve@evil.test>\r\n")
    try:
        assert c.reply().code in (250, 421, 503, 554)
    except Closed:
        pass


TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\0" * 160


def test_TLS_hello_on_the_plain_port(here, session):
    c = session()
    c.send(TLS_HELLO)
    try:
        c.send(b"\r\n")
        assert c.reply().code // 100 in (4, 5)
    except Closed:
        pass


def test_binary_junk(here, session):
    rng = random.Random(5)
    for _ in range(20):
        c = session()
        try:
            c.send(rng.randbytes(rng.randrange(1, 20_000)))
            c.send(b"\r\nQUIT\r\n")
            c.closed(3)
        except (Closed, OSError):
            pass
        c.close()


def test_CVE_2011_0411_STARTTLS_and_more_in_one_packet(here, session):
    """There is no TLS in this build: STARTTLS is refused like any unknown command, what follows is run in clear as it came."""
    c = session(helo="evil.test")
    c.send(b"STARTTLS\r\nRSET\r\nNOOP\r\n")
    first, second, third = c.replies(3)
    assert first.code in (454, 500, 502) and second == 250 and third == 250


@pytest.mark.parametrize("command", ["AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5", "AUTH EXTERNAL " + "A" * 1500, "AUTH PLAIN AAA", "BDAT 5", "BDAT 99999999999 LAST", "BDAT -1", "ETRN #x", "ETRN @;drop",
                                     "XCLIENT ADDR=127.0.0.1", "XFORWARD ADDR=127.0.0.1", "DEBUG", "WIZ", "EXPN |sh", "TURN", "SEND FROM:<x@y.test>", "VRFY " + "x" * 900])
def test_later_or_dangerous_verbs(here, session, command):
    c = session(helo="evil.test")
    r = c.cmd(command)
    assert r.code in (250, 252, 500, 501, 502, 503, 504, 550), r
    assert r.code not in (220, 334, 354)
    assert c.cmd("NOOP") == 250


def test_XCLIENT_gives_no_rights(here, session):
    c = session(helo="evil.test")
    c.cmd("XCLIENT ADDR=127.0.0.1 NAME=localhost")
    assert c.cmd("MAIL FROM:<eve@evil.test>") == 250
    assert c.cmd("RCPT TO:<bob@there.test>") == "550 5.7.1"


# ---- order and rhythm -------------------------------------------------------------------------------------

def test_body_before_354(here, session):
    """Sent without waiting, where DATA is accepted: it is the body."""
    c = session(helo="evil.test")
    c.send(b"MAIL FROM:<eve@evil.test>\r\nRCPT TO:<early@here.test>\r\nDATA\r\nSubject: early\r\n\r\nx\r\n.\r\nNOOP\r\n")
    assert [r.code for r in c.replies(5)] == [250, 250, 354, 250, 250]


def test_refused_DATA_whose_body_follows_as_commands(here, session):
    """DATA was refused; the body's lines are commands then, wrong ones, and a smuggled transaction in it is from
    the same stranger with the same rights; too many wrong lines end the session."""
    c = session(helo="evil.test")
    c.send(b"MAIL FROM:<eve@evil.test>\r\nRCPT TO:<bob@there.test>\r\nDATA\r\n" + b"Subject: x\r\n" * 100 + b"RCPT TO:<bob@there.test>\r\n.\r\nQUIT\r\n")
    assert [r.code for r in c.replies(2)] == [250, 550]
    assert c.reply().code in (503, 554)
    assert c.closed(5)
    assert b"250 " not in c.buffer and b"354" not in c.buffer


def test_one_octet_at_a_time(here, session):
    """Slowly, but each command is done well before its time is over."""
    c = session()
    c.send_slowly(b"EHLO slow.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<slow@here.test>\r\nDATA\r\n", pause_s=0.003)
    assert [r.code for r in c.replies(4)] == [250, 250, 250, 354]
    c.send_slowly(b"Subject: slow\r\n\r\nx\r\n.\r\n", pause_s=0.003)
    assert c.reply() == 250


def test_megabytes_without_a_line_end(here, session):
    """A command that never ends costs nothing and ends in an error."""
    c = session(timeout_s=20)
    try:
        for _ in range(80):
            c.send(b"A" * 65536)
        c.send(b"\r\nNOOP\r\n")
        assert c.reply().code == 500
        assert c.reply() == 250
    except Closed:
        pass


def test_megabytes_without_a_line_end_in_a_body(here, session):
    """There it is allowed: bodies have no line limit."""
    c = session(timeout_s=20)
    c.begin_data("eve@evil.test", "noend@here.test")
    c.send(b"Subject: x\r\n\r\n")
    for _ in range(40):
        c.send(b"B" * 65536)
    c.send(b"\r\n.\r\n")
    assert c.reply() == 250
    assert len(here.wait_mail("noend")[0]) > 40 * 65536


def test_thousands_of_bad_commands(here, session):
    """Ten or so are answered, then it is sent away."""
    c = session()
    try:
        c.send(b"FROBNICATE\r\n" * 5000)
    except Closed:
        pass
    assert c.closed(5)
    replies = [line for line in c.buffer.split(b"\r\n") if line]
    assert 3 <= len(replies) <= 30
    assert replies[-1].startswith(b"421 ")


@pytest.mark.parametrize("command", [b"NOOP\r\n", b"RSET\r\n", b"EHLO x.test\r\n", b"VRFY x\r\n", b"HELP\r\n", b"MAIL FROM:<a@b.test>\r\nRSET\r\n"])
def test_thousands_of_good_commands_that_do_nothing(here, session, command):
    c = session(helo="evil.test", timeout_s=20)
    try:
        for _ in range(20):
            c.send(command * 100)
            c.sock.settimeout(0.01)
            try:
                c.buffer += c.sock.recv(1 << 20)
            except socket.timeout:
                pass
            c.buffer = b""
            c.sock.settimeout(20)
        c.send(b"QUIT\r\n")
    except (Closed, ConnectionResetError, BrokenPipeError):
        pass
    try:
        assert c.closed(10)
    except (Closed, ConnectionResetError):
        pass


def test_client_that_never_reads(here, session):
    """Replies fill its window: we wait, without memory growing, and others are served."""
    c = Smtp(here.port, source=STRANGER)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    c.sock.settimeout(0.5)
    try:
        for _ in range(200):
            c.sock.sendall(b"EHLO x.test\r\n" * 200)
    except (socket.timeout, OSError):
        pass
    assert submit(here.port, "ada@client.test", "others@here.test", message()) == 250
    c.close()


STAGES = [b"", b"EH", b"EHLO x.test\r\n", b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\n", b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<stage@here.test>\r\n",
          b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<stage@here.test>\r\nDATA\r\n", b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<stage@here.test>\r\nDATA\r\nSubject: x\r\n\r\nhal",
          b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<stage@here.test>\r\nDATA\r\nSubject: x\r\n\r\nhalf\r\n.\r",
          b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<whole@here.test>\r\nDATA\r\nSubject: x\r\n\r\nwhole\r\n.\r\n",
          b"EHLO x.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<whole@here.test>\r\nDATA\r\nSubject: x\r\n\r\nwhole\r\n.\r\nQUIT\r\n"]


@pytest.mark.parametrize("stage", range(len(STAGES)))
@pytest.mark.parametrize("how", ["half-closed", "closed", "reset", "closed-at-once"])
def test_connection_ends_at_every_stage(here, session, stage, how):
    """Half-closed: what was asked is still answered.  Else: a whole message may be taken, half of one never."""
    c = session(greet=how != "closed-at-once")
    c.send(STAGES[stage])
    if how == "half-closed":
        c.half_close()
        assert c.closed(5)
        if b"whole" in STAGES[stage]:
            assert b"\r\n250 2.0.0" in c.buffer
    elif how == "reset":
        time.sleep(0.02)
        c.reset()
    else:
        c.close()
    time.sleep(0.03)
    here.wait_empty()
    assert not here.mail("stage")


def test_connect_and_close_a_thousand_times(here):
    for _ in range(1000):
        s = socket.create_connection(("127.0.0.1", here.port), 5)
        s.close()


@pytest.mark.parametrize("where", ["helo", "mail", "rcpt", "verb", "data"])
def test_log_injection(here, session, where):
    """CR, LF, ESC and the rest from a peer: the log has no line that we did not write."""
    evil = "x\x1b]0;owned\x07\x9b31m\x00s=00000001 accepted m=00000001 size=1"
    c = session()
    for line in {"helo": [f"EHLO {evil}"], "mail": ["EHLO x.test", f"MAIL FROM:<{evil}@x.test>"], "rcpt": ["EHLO x.test", "MAIL FROM:<a@b.test>", f"RCPT TO:<{evil}@there.test>"],
                 "verb": [evil], "data": ["EHLO x.test", "MAIL FROM:<a@b.test>", 'RCPT TO:<"\x1b[31m\n"@there.test>']}[where]:
        c.cmd(line)
    c.close()
    time.sleep(0.05)
    log = here.log_bytes()
    assert not set(log) & (set(range(32)) - {9, 10} | {127} | {0x9b}), "raw control octets in the log"
    assert not re.search(rb"^s=00000001 accepted m=00000001 size=1$", log, re.M)


def test_header_injection_by_address(here, session):
    """An address with line ends in a quoted string would add fields to Return-Path or Received."""
    c = session(helo="evil.test")
    for path in ('"a\r\nX-Injected: 1"@evil.test', '"a\nX-Injected: 1"@evil.test', '"a\rX-Injected: 1"@evil.test'):
        c.send(f"MAIL FROM:<{path}>\r\n")
        try:
            while True:
                c.sock.settimeout(0.2)
                c.reply()
        except (socket.timeout, Closed):
            pass
    c.close()
    assert b"X-Injected" not in b"".join(here.mail("after"))


def test_many_strangers_at_once(here):
    """More connections than sessions: those beyond wait, nobody is dropped, and all are served in the end."""
    opened = []
    for n in range(250):
        s = socket.socket()
        s.bind((f"127.0.1.{n % 200 + 1}", 0))
        s.settimeout(20)
        s.connect(("127.0.0.1", here.port))
        opened.append(s)
    greeted = 0
    for s in opened:
        try:
            if s.recv(200)[:3] in (b"220", b"421"):
                greeted += 1
        except (socket.timeout, ConnectionResetError):
            pass
        s.close()
    assert greeted == 250


# ---- the sending side: what a server can do to us -----------------------------------------------------------

REPLIES = {
    "CVE-2020-8794-long-reply": b"250-" + b"x" * 4000 + b"\r\n250 " + b"y" * 4000 + b"\r\n",
    "CVE-2020-8794-dash-mismatch": b"550-no\r\n250 yes\r\n",
    "CVE-2019-3823-code-only": b"250",
    "CVE-2019-3823-code-only-CRLF": b"250\r\n",
    "CVE-2019-3823-no-digits": b"abc\r\n",
    "CVE-2019-3823-one-octet": b"2",
    "empty-line": b"\r\n",
    "LF-only": b"250 ok\n",
    "CR-only": b"250 ok\r",
    "NUL": b"250 \0\0\0\r\n",
    "ansi-reply": b"450 \x1b[31m\x1b]0;owned\x07 later\r\n",
    "format": b"450 %s%s%s%n%n\r\n",
    "quotes": b'450 "\\" text="x" code=250\r\n',
    "8-bit": b"450 " + bytes(range(128, 256)) + b"\r\n",
    "many": b"250 ok\r\n" * 2000,
}


@pytest.mark.parametrize("stage", ["banner", "ehlo", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("name", REPLIES)
def test_hostile_reply(root_folder, hostile, name, stage):
    """At every stage: it lives, the message is not called delivered unless the dot got its 250, the log stays clean."""
    p, s = hostile
    s.script.clear()
    s.script[stage] = Then(REPLIES[name], DROP)
    taken, sessions = len(s.transactions), len(s.sessions)
    log = len(p.log())
    assert submit(p.port, "", "bob@there.test", message()) == 250
    p.control("retry all")   # the last test's host was called bad, and is left alone for a while
    s.wait_sessions(sessions + 1)
    p.wait_log(r"(deferred|delivered|failed|connect_failed|doubtful)", since=log)
    new = p.log()[log:]
    if " delivered " in new:
        assert len(s.transactions) > taken or stage == "dot"
    s.script.clear()
    p.control("remove all")
    assert p.alive()
    raw = p.log_bytes()
    assert not set(raw) & (set(range(32)) - {9, 10} | {127} | {0x9b})


@pytest.fixture(scope="module")
def hostile(root_folder):
    with Sink() as s:
        with Pipit(os.path.join(root_folder, "hostile"), f"route there.test 127.0.0.1:{s.port}\nretry 1h") as p:
            yield p, s
