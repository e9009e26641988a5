# SPDX-License-Identifier: BSD-2-Clause
"""The operator's calls, the control line, and sendmail as other programs call it, with a running daemon.
More of the commands alone is in test_cli.py and test_cli_offline.py."""

import email
import json
import os
import re
import socket
import stat
import subprocess

import pytest

import peers
from sink import Wait
from smtp import message, submit


@pytest.fixture(scope="module")
def here(root_folder):
    from pipit import Pipit
    with Pipit(os.path.join(root_folder, "operator"), "local_domain here.test mx.here.test\nalias root rooty@here.test") as p:
        yield p


@pytest.fixture
def holding(make):
    """Two messages that wait."""
    p = make("route there.test 127.0.0.1:9\nroute other.test 127.0.0.2:9\nretry 1h")
    assert submit(p.port, "ada@client.test", ["bob@there.test", "eve@there.test"], message(subject="first")) == 250
    assert submit(p.port, "", "cid@other.test", message(subject="second")) == 250
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    return p


# ---- sendmail --------------------------------------------------------------------------------

def test_sendmail_t(here):
    text = (b"From: Ada <ada@here.test>\nTo: tbob@here.test, \"Cid, C.\" <tcid@here.test>\nCc: tdan@here.test\n"
            b"Bcc: teve@here.test,\n tfay@here.test\nSubject: hello\n\nbody\n.\nafter the dot\n")
    here.cli("-t", "-i", name="sendmail", stdin=text, check=0)
    for user in ("tbob", "tcid", "tdan", "teve", "tfay"):
        got = email.message_from_bytes(here.wait_mail(user)[0])
        assert got["Bcc"] is None
        assert got["Date"] and got["Message-ID"] and got["Subject"] == "hello"
        assert got.get_payload() == "body\n.\nafter the dot\n"


OPTIONS = [["-frobot@here.test", "-i"], ["-r", "robot@here.test", "-i"], ["-f", "<robot@here.test>", "-i"],
           ["-i", "-N", "never", "-R", "hdrs", "-V", "id1", "-f", "robot@here.test"], ["-bm", "-i", "-f", "robot@here.test"],
           ["-O", "DeliveryMode=b", "-i", "-f", "robot@here.test"], ["-v", "-i", "-f", "robot@here.test"],
           ["-oi", "-fnobody@here.test", "-frobot@here.test"], ["-B8BITMIME", "-i", "-f", "robot@here.test"],
           ["-f", "robot@here.test", "-F", "The Robot", "-oi", "-oem", "-odb", "-m", "--"]]


@pytest.mark.parametrize("n", range(len(OPTIONS)), ids=[" ".join(o) for o in OPTIONS])
def test_sendmail_options_of_the_world(here, n):
    """What cron, PHP, git, mailx and logwatch call it with."""
    here.cli(*OPTIONS[n], f"options{n}@here.test", name="sendmail", stdin=b"Subject: x\n\nbody\n", check=0)
    got = email.message_from_bytes(here.wait_mail(f"options{n}")[0])
    assert got["Return-Path"] == "<robot@here.test>"
    if "-F" in OPTIONS[n]:
        assert "The Robot" in got["From"] and "robot@here.test" in got["From"]


def test_sendmail_null_sender(here):
    here.cli("-i", "-f", "<>", "null@here.test", name="sendmail", stdin=b"Subject: x\n\nbody\n", check=0)
    assert email.message_from_bytes(here.wait_mail("null")[0])["Return-Path"] == "<>"


def test_sendmail_local_names(here):
    """A name without domain is here; so is the sender: what cron does."""
    here.cli("root", name="sendmail", stdin=b"Subject: cron\n\noutput\n", check=0)
    got = email.message_from_bytes(here.wait_mail("rooty")[0])
    assert "@" in got["From"] and "@" in got["Return-Path"]


def test_sendmail_crlf_and_long_and_8bit_input(here):
    body = b"crlf line\r\nlf line\n" + b"z" * 5000 + b"\n" + "grün".encode() + b"\nlast without end"
    here.cli("-i", "mixed@here.test", name="sendmail", stdin=b"From: a@here.test\r\nSubject: x\r\n\r\n" + body, check=0)
    got = here.wait_mail("mixed")[0]
    assert got.endswith(b"crlf line\nlf line\n" + b"z" * 5000 + b"\n" + "grün".encode() + b"\nlast without end\n")


def test_sendmail_bs(here):
    text = b"EHLO x.test\r\nMAIL FROM:<ada@here.test>\r\nRCPT TO:<bs@here.test>\r\nDATA\r\nSubject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n"
    done = here.cli("-bs", name="sendmail", stdin=text, check=0)
    assert re.findall(rb"^(\d\d\d) ", done.stdout, re.M) == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert b"Subject: bs" in here.wait_mail("bs")[0]


def test_sendmail_bp_and_q(holding):
    assert b"bob@there.test" in holding.cli("-bp", name="sendmail", check=0).stdout
    assert holding.cli("-q", name="sendmail").returncode == 0


@pytest.mark.parametrize("arguments", [["-i", "--", "-oQ/tmp/pipit-owned"], ["-i", "--", "-C/etc/passwd@here.test"],
                                       ["-i", "-f", "-oQ/tmp/pipit-owned@here.test", "dash@here.test"],
                                       ["-i", "-f", "-bd", "dash@here.test"], ["-i", "--", "-bs"]], ids=" ".join)
def test_CVE_2016_10033_address_that_starts_with_a_dash(here, arguments):
    """PHPMailer, nodemailer CVE-2020-7769: after -- and as a value it is an address, a bad one."""
    done = here.cli(*arguments, name="sendmail", stdin=b"Subject: x\n\nx\n")
    assert not os.path.exists("/tmp/pipit-owned")
    assert done.returncode in (0, 64, 65, 67)
    assert b"220 " not in done.stdout


TO = [b'"bob@evil.test x"@here.test', b"alice@here.test)bob@evil.test", b"<" * 500 + b">" * 500, b"(" * 3000, b"a@here.test (" + b"x" * 5000 + b")",
      b"<>" * 500 + b"()" * 500, b'"' + b"\\" * 1001, b"group: a@here.test, b@here.test;", b"\xff\xfe@here.test", b"a@here.test,,,,,b@here.test",
      b"," * 5000]


def test_CVE_2025_13033_and_2023_27043_and_2002_1337_in_To(make, make_sink):
    s = make_sink()
    p = make(f"smarthost 127.0.0.1:{s.port} tls=none")
    for to in TO:
        done = p.cli("-t", "-i", name="sendmail", stdin=b"From: a@here.test\nTo: " + to + b"\nSubject: x\n\nx\n", timeout_s=10)
        assert done.returncode in (0, 64, 65, 67, 69), (to[:40], done)
    p.wait_empty()
    assert not [t for t in s.transactions if any("evil" in r.rpartition("@")[2] for r in t.rcpts)]


def test_CVE_2008_3962_long_name(here):
    done = here.cli("-i", "-F", "N" * 5000, "-f", "a" * 60 + "@here.test", "longname@here.test", name="sendmail", stdin=b"Subject: x\n\nx\n")
    assert done.returncode in (0, 64, 65)
    done = here.cli("-i", "-F", 'x"\r\nX-Injected: 1', "injected@here.test", name="sendmail", stdin=b"Subject: x\n\nx\n")
    if done.returncode == 0:
        assert b"\nX-Injected" not in here.wait_mail("injected")[0].split(b"\n\n")[0]


def test_offline_spool_is_drained_once(make):
    """No MTA is running: the mail is put by, and goes out when it starts, each once."""
    p = make()
    p.stop()
    for n in range(5):
        p.cli("-i", "-f", "robot@here.test", "bob@here.test", name="sendmail", stdin=b"Subject: offline %d\n\nbody\n.\nmore\n" % n, check=0)
    p.cli("-t", "-i", name="sendmail", stdin=b"From: a@here.test\nTo: cid@here.test\nBcc: dan@here.test\nSubject: t\n\nx\n", check=0)
    p.start()
    got = p.wait_mail("bob", 5, timeout_s=15)
    assert {email.message_from_bytes(m)["Subject"] for m in got} == {f"offline {n}" for n in range(5)}
    assert all(m.endswith(b"body\n.\nmore\n") for m in got)
    p.wait_mail("cid")
    p.wait_mail("dan")
    p.restart()
    p.wait_empty()
    assert len(p.mail("bob")) == 5


def test_sendmail_by_any_user(make):
    peers.need_root("another user")
    p = make()
    link = p.link("sendmail")
    subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", link, "-c", p.config, "-i", "cid@here.test"],
                   input=b"Subject: online\n\nx\n", timeout=20, check=True)
    p.wait_mail("cid")


# ---- queue ------------------------------------------------------------------------------------------

def test_queue_hold_release_remove_retry(make, make_sink):
    s = make_sink({"rcpt": "450 4.2.1 wait"})
    p = make(f"route there.test 127.0.0.1:{s.port}\nretry 1h")
    for n in range(3):
        assert submit(p.port, "ada@client.test", f"m{n}@there.test", message()) == 250
    p.wait_queue(lambda m: m["rcpt_rows"][0]["to"] == "m2@there.test" and int(m["rcpt_rows"][0]["attempts"]) >= 1)
    ids = {m["rcpt_rows"][0]["to"][:2]: m["id"] for m in p.queue()}
    p.cli("queue", "hold", ids["m0"], check=0)
    assert next(m for m in p.queue() if m["id"] == ids["m0"])["state"] == "held"
    p.cli("queue", "remove", ids["m1"], check=0)
    assert ids["m1"] not in {m["id"] for m in p.queue()}
    s.script["rcpt"] = "250 ok"
    p.cli("queue", "retry", "all", check=0)
    s.wait(1)
    p.wait_queue(lambda m: m["id"] == ids["m0"])
    assert [t.rcpts for t in s.transactions] == [["m2@there.test"]], "what is held is not sent, what is removed is gone"
    p.restart()
    assert p.queue()[0]["state"] == "held", "a hold outlives a restart"
    p.cli("queue", "release", "there.test", check=0)
    p.cli("queue", "retry", ids["m0"])
    s.wait(2)
    p.wait_empty()
    assert not p.mail("ada")


def test_queue_by_domain(holding):
    holding.cli("queue", "remove", "other.test", check=0)
    assert [m["sender"] for m in holding.queue()] == ["ada@client.test"]
    holding.cli("queue", "remove", "all", check=0)
    assert not holding.queue()


def test_removed_while_being_delivered(make, make_sink):
    s = make_sink({"dot": [Wait(1, "250 ok"), "250 ok"]})
    p = make(f"route there.test 127.0.0.1:{s.port}")
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait_sessions()
    p.cli("queue", "remove", "all")
    p.wait_empty()
    m = message()
    assert submit(p.port, "ada@client.test", "bob@there.test", m) == 250
    s.wait_for_message(m)


def test_resize_smaller_than_what_is_in_it(make):
    p = make("route there.test 127.0.0.1:9\nretry 1h\nqueue queue 8M")
    for n in range(60):
        assert submit(p.port, "ada@client.test", f"m{n}@there.test", message((b"q" * 78 + b"\r\n") * 400)) == 250
    p.stop()
    done = p.cli("queue", "resize", "64K")
    assert done.returncode != 0 and done.stderr
    p.start()
    assert len(p.queue()) == 60, "refused, and nothing is lost"


# ---- status, check -------------------------------------------------------------------------------------

def test_status_counts(make):
    p = make()
    assert submit(p.port, "ada@client.test", "bob@here.test", message()) == 250
    p.wait_mail("bob")
    p.wait_empty()
    flat = json.dumps(p.json("status"))
    for word in ("version", "uptime", "accepted", "delivered", "sessions"):
        assert word in flat, word
    counters = p.counters()
    assert counters["accepted"] == 1 and counters["delivered"] == 1


@pytest.mark.parametrize("line", ["tls_key /x", "tls_ca /x", "spf check", "dkim_verify check", "dmarc check", "dkim_sign a b /c",
                                  "clamd 127.0.0.1:3310", "dnsbl x", "rate_limit 192.168.1.0/24 30/h", "alert_to x@y.test", "user u v",
                                  "require_tls_for_auth no", "listen 127.0.0.1:5587 role=submission", "listen 127.0.0.1:5465 tls=implicit",
                                  "smarthost x.test tls=verified", "route x.test y.test tls=required", "deliver x@here.test lmtp unix:/x",
                                  "deliver x@here.test pipe /bin/cat", "queue mtd:/dev/mtd5", "queue memory 256K", "cut_through 4s",
                                  "tls_certificate /x"])
def test_keywords_of_later_issues_are_refused(make, line):
    p = make(start=False)
    p.write_config(f"hostname a.test\nlocal_domain here.test\ndeliver *@here.test maildir m\n{line}", usual=False)
    done = p.cli("check")
    assert done.returncode == 78 and b"not in this build" in done.stdout + done.stderr


def test_check_tells_all_errors_at_once(make):
    p = make(start=False)
    p.write_config("hostnam x.test\nlisten nowhere\nmax_message_size lots\nretry 1h 1m\nfrobnicate 1\nlocal_domain", usual=False)
    done = p.cli("check")
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == 78
    for line in range(1, 7):
        assert f"pipit.conf:{line}: " in text, f"line {line} is not in\n{text}"
    assert "hostname" in text, "an unknown keyword names the nearest"
    assert not os.path.exists(p.queue_path)


def test_json_is_valid_whatever_a_peer_said(make, make_sink):
    s = make_sink({"rcpt": b'450 4.2.1 "quoted" \\ back \x1b[31m \xff\xfe \t tab <b> \x00 end\r\n'})
    p = make(f"route there.test 127.0.0.1:{s.port}\nretry 1h")
    assert submit(p.port, '"a\\"b\\\\c d"@client.test', '"x y\\"z"@there.test', message(subject='"\\ \x7f')) == 250
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    p.json("queue")
    p.json("status")
    id_ = p.queue()[0]["id"]
    p.json("queue", "show", id_)
    for arguments in (["queue"], ["queue", "show", id_], ["status"]):
        out = p.cli(*arguments, check=0).stdout
        assert not set(out) & (set(range(32)) - {9, 10} | {127} | {0x9b}), "control octets on the operator's terminal"


# ---- the control line ---------------------------------------------------------------------------------------

def test_control_socket_is_private(here):
    mode = os.stat(here.control_path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


BAD = ["", " ", "frobnicate", "queue extra words", "show", "show zzzz", "show 0000002a extra", "retry", "resolve", "resolve " + "a" * 380, "x" * 5000,
       "\x00\xff", "queue\x00", "network up", "remove 0000beef"]


@pytest.mark.parametrize("n", range(len(BAD)))
def test_control_line_bad_requests(here, n):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(here.control_path)
        s.sendall(BAD[n].encode("latin-1") + b"\n")
        got = b""
        while not re.search(rb"(^|\n)(ok|error[^\n]*)\n$", got):
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    assert here.alive()
    assert here.control("status")


def test_control_several_requests_and_half_lines(here):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(here.control_path)
        for octet in b"status\nqueue\n":
            s.sendall(bytes([octet]))
        got = b""
        while got.count(b"ok\n") < 2:
            piece = s.recv(65536)
            assert piece
            got += piece


def test_control_reload(here):
    before = len(here.log())
    assert here.control("reload") == []
    here.wait_log("reloaded", since=before)


def test_control_client_that_leaves_in_the_middle(make):
    """A big listing whose reader goes away."""
    p = make("route there.test 127.0.0.1:9\nretry 1h")
    peers.smtp_source(p.port, "-s", "5", "-m", "150", "-f", "a@client.test", "-t", "x@there.test", "-M", "client.test")
    for _ in range(10):
        s = socket.socket(socket.AF_UNIX)
        s.connect(p.control_path)
        s.sendall(b"queue\n")
        s.recv(100)
        s.close()
    assert len(p.queue()) == 150
