# SPDX-License-Identifier: BSD-2-Clause
"""Mail comes in: from real clients, and from a raw socket in every shape that the protocol allows."""

import email
import os
import random
import smtplib
import socket
import threading

import pytest

import peers
from pipit import Pipit, free_port
from smtp import Smtp, assert_same, message, stuff, submit


@pytest.fixture(scope="module")
def here(root_folder):
    p = Pipit(os.path.join(root_folder, "clients"), f"listen 127.0.0.1:{free_port()}\nqueue queue 64M\nmax_message_size 30M")
    p.port = int(p.config_text.split("listen 127.0.0.1:")[1].split()[0])
    p.write_config(f"listen 127.0.0.1:{p.port}\nlisten [::1]:{p.port}\nqueue queue 64M\nmax_message_size 30M")
    with p:
        yield p


def test_swaks(here):
    r = peers.run([peers.program("swaks"), "--server", f"127.0.0.1:{here.port}", "--from", "ada@client.test", "--to",
                   "swaks@here.test", "--header", "Subject: from swaks", "--body", "Line one\n.\n..two\nlast", "--helo", "client.test"], ok=0)
    assert b"250 2.0.0" in r.stdout
    got = email.message_from_bytes(here.wait_mail("swaks")[0])
    assert got["Subject"] == "from swaks"
    assert got.get_payload().rstrip("\n") == "Line one\n.\n..two\nlast"


def test_swaks_pipelining(here):
    r = peers.run([peers.program("swaks"), "--server", f"127.0.0.1:{here.port}", "--pipeline", "--from", "ada@client.test", "--to",
                   "swakspipe1@here.test,swakspipe2@here.test", "--helo", "client.test"], ok=0)
    assert b"PIPELINING" in r.stdout
    here.wait_mail("swakspipe1")
    here.wait_mail("swakspipe2")


def test_swaks_attachment(here, folder):
    blob = os.path.join(folder, "blob.bin")
    content = random.Random(1).randbytes(200_000)
    with open(blob, "wb") as f:
        f.write(content)
    peers.run([peers.program("swaks"), "--server", f"127.0.0.1:{here.port}", "--from", "ada@client.test", "--to", "swaksattach@here.test",
               "--attach", f"@{blob}", "--helo", "client.test"], ok=0)
    got = email.message_from_bytes(here.wait_mail("swaksattach")[0])
    parts = [p.get_payload(decode=True) for p in got.walk() if p.get_filename()]
    assert parts == [content]


def test_curl(here, folder):
    m = message(b"curl says\r\n.\r\n..\r\nend\r\n")
    path = os.path.join(folder, "m")
    with open(path, "wb") as f:
        f.write(m)
    peers.run([peers.program("curl"), "-s", "-S", f"smtp://127.0.0.1:{here.port}/client.test", "--mail-from", "ada@client.test",
               "--mail-rcpt", "curl@here.test", "--upload-file", path], ok=0)
    assert_same(here.wait_mail("curl")[0], m)


def test_curl_over_ipv6(here, folder):
    m = message()
    path = os.path.join(folder, "m")
    with open(path, "wb") as f:
        f.write(m)
    peers.run([peers.program("curl"), "-s", "-S", f"smtp://[::1]:{here.port}/client.test", "--mail-from", "ada@client.test",
               "--mail-rcpt", "curl6@here.test", "--upload-file", path], ok=0)
    got = here.wait_mail("curl6")[0]
    assert_same(got, m)
    assert b"[IPv6:::1]" in got


def test_smtplib(here):
    m = message("Größe: 8 bit, utf-8\r\n".encode())
    with smtplib.SMTP("127.0.0.1", here.port, "client.test", timeout=10) as c:
        assert c.has_extn("pipelining") is False   # not before EHLO
        c.ehlo()
        for extension in ("pipelining", "8bitmime", "enhancedstatuscodes", "size"):
            assert c.has_extn(extension), extension
        for later in ("starttls", "auth", "chunking", "smtputf8", "dsn", "etrn"):
            assert not c.has_extn(later), f"{later} is offered and not built"
        assert int(c.esmtp_features["size"]) > 0
        assert c.sendmail("ada@client.test", ["smtplib@here.test"], m, ["BODY=8BITMIME"]) == {}
        assert c.noop()[0] == 250
        assert c.rset()[0] == 250
        assert c.vrfy("smtplib@here.test")[0] in (250, 252)
        assert c.help().startswith(b"2.0.0") or c.help()
    assert_same(here.wait_mail("smtplib")[0], m)


def test_smtplib_partly_refused(here):
    with smtplib.SMTP("127.0.0.1", here.port, "client.test", timeout=10) as c:
        refused = c.sendmail("ada@client.test", ["partly@here.test", "x@", "partly2@here.test"], message())
    assert list(refused) == ["x@"] and refused["x@"][0] in (501, 553, 550)
    here.wait_mail("partly")
    here.wait_mail("partly2")


def test_smtp_source(here):
    peers.smtp_source(here.port, "-m", "100", "-l", "3000", "-f", "ada@client.test", "-t", "source@here.test", "-M", "client.test")
    here.wait_mail("source", 100)


def test_smtp_source_many_sessions(here):
    """16 at once, one message each connection, and all again over kept connections."""
    peers.smtp_source(here.port, "-s", "16", "-m", "200", "-l", "4096", "-f", "ada@client.test", "-t", "sessions@here.test", "-M", "client.test")
    peers.smtp_source(here.port, "-d", "-s", "16", "-m", "200", "-l", "4096", "-f", "ada@client.test", "-t", "sessions@here.test", "-M", "client.test")
    here.wait_mail("sessions", 400, timeout_s=30)


def test_smtp_source_many_recipients(here):
    peers.smtp_source(here.port, "-m", "3", "-r", "50", "-l", "1000", "-f", "ada@client.test", "-t", "manyrcpts@here.test", "-M", "client.test")
    for user in ("manyrcpts", "2manyrcpts", "50manyrcpts"):
        here.wait_mail(user, 3)


def test_hundred_typical_recipients_in_one_transaction(here):
    rcpts = [f"hundred.first.lastname.{n}@here.test" for n in range(100)]
    m = message()
    assert submit(here.port, "ada@client.test", rcpts, m) == "250 2.0.0"
    for n in (0, 50, 99):
        assert_same(here.wait_mail(f"hundred.first.lastname.{n}")[0], m)
    here.wait_empty(30)


# ---- bodies ---------------------------------------------------------------------------

LINE = b"The quick brown fox jumps over the lazy dog, and then some more of it.\r\n"


def lines_of(size):
    return (LINE * (size // len(LINE) + 1))[:max(0, size - 2)] + b"\r\n"


BODIES = {
    "empty": b"",
    "one-octet": b"x\r\n",
    "empty-line": b"\r\n",
    "many-empty-lines": b"\r\n" * 3000,
    "1K": lines_of(1024),
    "4095": lines_of(4095),
    "4096": lines_of(4096),
    "4097": lines_of(4097),
    "64K": lines_of(65536),
    "1M": lines_of(1 << 20),
    "10M": lines_of(10 << 20),
    "dot-line": b".\r\n",
    "dots-only": b"." * 5000 + b"\r\n",
    "dot-lines": b".\r\n..\r\n...\r\n.a\r\na.\r\n" * 500,
    "ends-in-dot-line": b"text\r\n.\r\n",
    "line-998": b"a" * 998 + b"\r\n",
    "line-999": b"a" * 999 + b"\r\n",
    "line-2048": b"b" * 2048 + b"\r\n",
    "line-100K": b"c" * 100_000 + b"\r\n",
    "line-1M": b"d" * (1 << 20) + b"\r\n",
    "8-bit": bytes(range(128, 256)) + b"\r\n",
    "all-octets-but-CR-LF": bytes(c for c in range(256) if c not in (10, 13)) * 20 + b"\r\n",
    "NULs": b"\0" * 1000 + b"\r\n",
    "blanks-at-ends": b"a \t \r\n \r\n\t\r\n" * 100,
    "from-lines": b"From ada\r\n>From\r\n" * 10,
    "mail-like": b"MAIL FROM:<x@y.test>\r\nRCPT TO:<z@y.test>\r\nDATA\r\nQUIT\r\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_body(here, name):
    m = message(BODIES[name])
    user = "body-" + name.lower()
    assert submit(here.port, "ada@client.test", f"{user}@here.test", m) == "250 2.0.0"
    assert_same(here.wait_mail(user)[0], m)


def test_no_header_at_all(here):
    """A body alone is mail, too; the trace must not become its header's prefix by accident."""
    body = b"\r\nno header above\r\n"
    assert submit(here.port, "ada@client.test", "noheader@here.test", body) == 250
    got = here.wait_mail("noheader")[0]
    assert got.endswith(b"\n\nno header above\n")
    assert email.message_from_bytes(got).get_payload() == "no header above\n"


def test_header_without_body(here):
    m = message()[:-len(b"\r\nHello.\r\n")]
    assert submit(here.port, "ada@client.test", "headeronly@here.test", m) == 250
    assert_same(here.wait_mail("headeronly")[0], m)


@pytest.mark.parametrize("length", range(4080, 4110, 3))
def test_dots_at_every_boundary(here, length):
    """Dots and line ends move across every buffer's edge."""
    user = f"edge{length}"
    body = b"x" * (length - 300) + b"\r\n" + b".\r\n..\r\n.x\r\n" * 40 + b"." * 7 + b"\r\n"
    m = message(body)
    assert submit(here.port, "ada@client.test", f"{user}@here.test", m) == 250
    assert_same(here.wait_mail(user)[0], m)


def test_whole_session_octet_by_octet(here):
    """Commands, dots and the end of data cut at every octet."""
    m = message(b".\r\n..\r\nx\r\n.\r\n")
    with Smtp(here.port) as c:
        for text, code in ((b"EHLO client.test\r\n", 250), (b"MAIL FROM:<ada@client.test>\r\n", 250),
                           (b"RCPT TO:<octet@here.test>\r\n", 250), (b"DATA\r\n", 354), (stuff(m), 250), (b"QUIT\r\n", 221)):
            c.send_slowly(text)
            assert c.reply() == code
    assert_same(here.wait_mail("octet")[0], m)


@pytest.mark.parametrize("cut", range(1, 40))
def test_session_in_two_pieces(here, cut):
    """The whole pipelined session, cut once, near the interesting end."""
    m = message(b"\r\n.\r\n")
    text = (b"EHLO client.test\r\nMAIL FROM:<ada@client.test>\r\nRCPT TO:<twopieces@here.test>\r\nDATA\r\n", stuff(m) + b"QUIT\r\n")
    with Smtp(here.port) as c:
        at = len(text[0]) - cut
        c.send(text[0][:at])
        c.send(text[0][at:])
        assert [r.code for r in c.replies(4)] == [250, 250, 250, 354]
        at = len(text[1]) - cut
        c.send(text[1][:at])
        c.send(text[1][at:])
        assert [r.code for r in c.replies(2)] == [250, 221]


def test_pipelining_several_messages_in_one_write(here):
    """RFC 2920: a group may run from the body of one message into the commands of the next."""
    ms = [message(f"number {n}\r\n".encode()) for n in range(5)]
    with Smtp(here.port, helo="client.test") as c:
        c.send(b"MAIL FROM:<ada@client.test>\r\nRCPT TO:<groups@here.test>\r\nDATA\r\n")
        assert [r.code for r in c.replies(3)] == [250, 250, 354]
        for n, m in enumerate(ms):
            last = n == len(ms) - 1
            c.send(stuff(m) + (b"QUIT\r\n" if last else b"MAIL FROM:<ada@client.test>\r\nRCPT TO:<groups@here.test>\r\nDATA\r\n"))
            assert [r.code for r in c.replies(2 if last else 4)] == ([250, 221] if last else [250, 250, 250, 354])
    got = here.wait_mail("groups", 5)
    for m in ms:
        assert any(g.endswith(m.replace(b"\r\n", b"\n")) for g in got)


def test_pipelining_with_a_refused_recipient(here):
    with Smtp(here.port, helo="client.test") as c:
        c.send(b"MAIL FROM:<ada@client.test>\r\nRCPT TO:<@>\r\nRCPT TO:<refusedmix@here.test>\r\nDATA\r\n")
        codes = [r.code for r in c.replies(4)]
        assert codes[0] == 250 and codes[1] // 100 == 5 and codes[2:] == [250, 354]
        c.send(stuff(message()))
        assert c.reply() == 250
    here.wait_mail("refusedmix")


def test_pipelined_data_after_all_recipients_were_refused(here):
    with Smtp(here.port, helo="client.test") as c:
        c.send(b"MAIL FROM:<ada@client.test>\r\nRCPT TO:<@>\r\nDATA\r\nQUIT\r\n")
        codes = [r.code for r in c.replies(4)]
        assert codes[0] == 250 and codes[1] // 100 == 5 and codes[2] in (503, 554) and codes[3] == 221


def test_helo_without_extensions(here):
    with Smtp(here.port) as c:
        assert c.cmd("HELO client.test") == 250
        c.envelope("ada@client.test", "helo@here.test", helo=None)
        assert c.cmd("DATA") == 354
        c.send(stuff(message()))
        assert c.reply() == 250
    got = here.wait_mail("helo")[0]
    assert b" with SMTP" in got


COMMANDS = [
    ("mail from:<ada@client.test>", 250), ("MAIL FROM:<ada@client.test> SIZE=1000", 250), ("MAIL FROM:<ada@client.test> BODY=8BITMIME", 250),
    ("MAIL FROM:<ada@client.test> body=7bit size=12", 250), ("MAIL FROM:<> SIZE=0", 250), ('MAIL FROM:<"a b"@client.test>', 250),
    ('MAIL FROM:<"a\\"b>c"@client.test>', 250), ("MAIL FROM:<ada@[127.0.0.1]>", 250), ("MAIL FROM:<ada@[IPv6:::1]>", 250),
    ("MAIL FROM:<@a.test,@b.test:ada@client.test>", 250), ("MAIL FROM:<ada@client.test> AUTH=<>", 250),
    ("MAIL FROM:ada@client.test", None), ("MAIL FROM: <ada@client.test>", None), ("MAIL FROM:<ada@client.test", 501),
    ("MAIL FROM:<ada@client.test> SIZE=x", 501), ("MAIL FROM:<ada@client.test> FOO=BAR", 555), ("MAIL FROM:<a@b@c.test>", 5),
    ("MAIL TO:<ada@client.test>", 501), ("MAIL", 501), ("MAIL FROM:<" + "a" * 65 + "@client.test>", None),
    ("MAIL FROM:<ada@" + "a." * 130 + "test>", 5), ("MAIL FROM:<ada@-.test>", None), ("MAIL FROM:<.@client.test>", None),
    ("RCPT TO:<ada@here.test>", 503), ("DATA", 503), ("NOOP", 250), ("NOOP whatever it is", 250), ("RSET", 250), ("RSET x", None),
    ("HELP", None), ("VRFY ada", None), ("EXPN list", 5), ("STARTTLS", 5), ("AUTH PLAIN", 5), ("BDAT 10 LAST", 5), ("ETRN x", 5), ("XYZZY", 500),
    ("", 500), ("   ", 500), ("QUI", 500), ("\x80\x81\xff", 500),
]


@pytest.mark.parametrize("command,code", COMMANDS, ids=[f"{n}-{c[0][:20]!a}" for n, c in enumerate(COMMANDS)])
def test_command(here, command, code):
    """What RFC 5321 asks for; None: any well-formed reply will do, 5: any refusal."""
    with Smtp(here.port, helo="client.test") as c:
        r = c.cmd(command)
        if code == 5:
            assert r.code // 100 == 5
        elif code is not None:
            assert r == code, r
        if r.code >= 400:
            assert r.enhanced, f"no enhanced status code: {r}"
        c.quit()


def test_mail_needs_no_greeting_or_is_told_so(here):
    with Smtp(here.port) as c:
        assert c.cmd("MAIL FROM:<ada@client.test>") in (250, 503)


def test_second_mail_in_a_transaction(here):
    with Smtp(here.port, helo="client.test") as c:
        assert c.cmd("MAIL FROM:<ada@client.test>") == 250
        assert c.cmd("MAIL FROM:<ada@client.test>") == 503
        assert c.cmd("RSET") == 250
        assert c.cmd("MAIL FROM:<ada@client.test>") == 250
        assert c.cmd("EHLO again.test") == 250
        assert c.cmd("RCPT TO:<x@here.test>") == 503


def test_over_long_line_is_skipped(here):
    with Smtp(here.port, helo="client.test") as c:
        c.send(b"NOOP " + b"x" * 5000 + b"\r\nNOOP\r\n")
        assert c.reply() == "500 5.5.2"
        assert c.reply() == 250


def test_trace_fields(here):
    with Smtp(here.port) as c:
        assert c.banner.lines[0].startswith("mx.here.test ")
        assert "ESMTP" in c.banner.lines[0]
    m = message()
    assert submit(here.port, "ada@client.test", "trace@here.test", m, helo="some.name.test") == 250
    got = email.message_from_bytes(here.wait_mail("trace")[0])
    received = got.get_all("Received")
    assert len(received) == 1
    one = " ".join(received[0].split())
    assert one.startswith("from some.name.test") and "[127.0.0.1]" in one and "by mx.here.test" in one
    assert "with ESMTP" in one and " id " in one and "for <trace@here.test>" in one
    assert email.utils.parsedate_to_datetime(one.rsplit(";", 1)[1])
    assert got["Return-Path"] == "<ada@client.test>"


def test_no_recipient_is_betrayed(here):
    """`for` only with one recipient: the others may be blind copies."""
    assert submit(here.port, "ada@client.test", ["blind1@here.test", "blind2@here.test"], message()) == 250
    assert b"blind1@" not in here.wait_mail("blind2")[0]


def test_missing_date_and_message_id_are_added_for_our_clients(here):
    bare = b"From: ada@client.test\r\nSubject: bare\r\n\r\nHello.\r\n"
    assert submit(here.port, "ada@client.test", "bare@here.test", bare) == 250
    got = email.message_from_bytes(here.wait_mail("bare")[0])
    assert email.utils.parsedate_to_datetime(got["Date"])
    assert got["Message-ID"].endswith("@mx.here.test>")
    assert got.get_payload() == "Hello.\n"


def test_nothing_is_added_for_strangers(make):
    p = make("relay_from 10.9.9.9/32")
    bare = b"From: ada@client.test\r\nSubject: bare\r\n\r\nHello.\r\n"
    assert submit(p.port, "ada@client.test", "bare@here.test", bare) == 250
    got = p.wait_mail("bare")[0]
    assert b"\nDate:" not in got and b"\nMessage-ID:" not in got
    assert_same(got, bare)


def test_many_connections_side_by_side(here):
    """40 sessions open at once, each served in its turn, octets interleaved."""
    open_ = [Smtp(here.port) for _ in range(40)]
    ms = [message(f"session {n}\r\n".encode() * 50) for n in range(40)]
    for c in open_:
        c.send(b"EHLO client.test\r\n")
    for c in open_:
        assert c.reply() == 250
    for n, c in enumerate(open_):
        c.send(f"MAIL FROM:<ada@client.test>\r\nRCPT TO:<side{n}@here.test>\r\nDATA\r\n")
    for c in open_:
        assert [r.code for r in c.replies(3)] == [250, 250, 354]
    wire = [stuff(m) for m in ms]
    for at in range(0, max(len(w) for w in wire), 501):
        for c, w in zip(open_, wire):
            if at < len(w):
                c.send(w[at:at + 501])
    for c in open_:
        assert c.reply() == 250
        c.close()
    for n, m in enumerate(ms):
        assert_same(here.wait_mail(f"side{n}")[0], m)


def test_random_sizes_in_parallel(here):
    rng = random.Random(7)
    jobs = []
    for n in range(60):
        body = rng.randbytes(rng.randrange(1, 30_000)).replace(b"\r", b"!").replace(b"\n", b"\r\n").replace(b"\r\n", b"\r\n.") + b"\r\n"
        jobs.append((f"rnd{n}", message(body)))
    left, wrong = list(jobs), []
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not left:
                    return
                user, m = left.pop()
            try:
                r = submit(here.port, "ada@client.test", f"{user}@here.test", m)
                if r != 250:
                    wrong.append(r)
            except (AssertionError, OSError, socket.timeout) as e:
                wrong.append(e)
    threads = [threading.Thread(target=work) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    for user, m in jobs:
        assert_same(here.wait_mail(user)[0], m)


def test_queue_is_empty_at_the_end(here):
    here.wait_empty(20)
    counters = here.counters()
    assert counters["accepted"] > 10   # this worker's share of the tests above
    assert counters.get("failed", 0) == 0
