# SPDX-License-Identifier: BSD-2-Clause
"""The commands of the operator, and of every program that calls sendmail."""

import email
import json
import os
import re
import stat
import subprocess

import pytest

import peers
from pipit import BINARY
from sink import Wait
from smtp import message, submit


@pytest.fixture
def holding(make):
    """Two messages that wait."""
    p = make("route there.test 127.0.0.1:9\nroute other.test 127.0.0.1:9\nretry 1h")
    assert submit(p.port, "ada@client.test", ["bob@there.test", "eve@there.test"], message(subject="first")) == 250
    assert submit(p.port, "", "cid@other.test", message(subject="second")) == 250
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    return p


# ---- sendmail -----------------------------------------------------------------------------------

def test_sendmail_t(make):
    p = make()
    text = b"From: Ada <ada@here.test>\nTo: bob@here.test, \"Cid, C.\" <cid@here.test>\nCc: dan@here.test\nBcc: eve@here.test,\n fay@here.test\nSubject: hello\n\nbody\n.\nafter the dot\n"
    p.cli("-t", "-i", name="sendmail", stdin=text, check=0)
    for user in ("bob", "cid", "dan", "eve", "fay"):
        got = email.message_from_bytes(p.wait_mail(user)[0])
        assert got["Bcc"] is None
        assert got["Date"] and got["Message-ID"] and got["Subject"] == "hello"
        assert got.get_payload() == "body\n.\nafter the dot\n"


def test_sendmail_dot_ends_without_i(make):
    p = make()
    p.cli("bob@here.test", name="sendmail", stdin=b"Subject: x\n\nbody\n.\nnot this\n", check=0)
    assert b"not this" not in p.wait_mail("bob")[0]
    p.cli("-oi", "cid@here.test", name="sendmail", stdin=b"Subject: x\n\nbody\n.\nthis too\n", check=0)
    assert b"this too" in p.wait_mail("cid")[0]


def test_sendmail_arguments_and_header(make):
    p = make()
    p.cli("-f", "robot@here.test", "-F", "The Robot", "-oi", "-oem", "-odb", "-m", "--", "bob@here.test", name="sendmail", stdin=b"Subject: x\n\nbody\n", check=0)
    got = email.message_from_bytes(p.wait_mail("bob")[0])
    assert got["Return-Path"] == "<robot@here.test>"
    assert "The Robot" in got["From"] and "robot@here.test" in got["From"]


@pytest.mark.parametrize("arguments", [["-frobot@here.test", "-i", "bob@here.test"], ["-r", "robot@here.test", "-i", "bob@here.test"], ["-f", "<robot@here.test>", "-i", "bob@here.test"],
                                       ["-i", "-N", "never", "-R", "hdrs", "-V", "id1", "-f", "robot@here.test", "bob@here.test"], ["-bm", "-i", "-f", "robot@here.test", "bob@here.test"],
                                       ["-O", "DeliveryMode=b", "-i", "-f", "robot@here.test", "bob@here.test"], ["-v", "-i", "-f", "robot@here.test", "bob@here.test"],
                                       ["-oi", "-fnobody@here.test", "-frobot@here.test", "bob@here.test"], ["-B8BITMIME", "-i", "-f", "robot@here.test", "bob@here.test"]])
def test_sendmail_options_of_the_world(make, arguments):
    """What cron, PHP, git, mailx and logwatch call it with."""
    p = make()
    p.cli(*arguments, name="sendmail", stdin=b"Subject: x\n\nbody\n", check=0)
    assert email.message_from_bytes(p.wait_mail("bob")[0])["Return-Path"] == "<robot@here.test>"


def test_sendmail_null_sender(make):
    p = make()
    p.cli("-i", "-f", "<>", "bob@here.test", name="sendmail", stdin=b"Subject: x\n\nbody\n", check=0)
    assert email.message_from_bytes(p.wait_mail("bob")[0])["Return-Path"] == "<>"


def test_sendmail_local_names(make):
    """A name without domain is here; so is the sender."""
    p = make("alias root bob@here.test")
    p.cli("root", name="sendmail", stdin=b"Subject: cron\n\noutput\n", check=0)
    got = email.message_from_bytes(p.wait_mail("bob")[0])
    assert "@" in got["From"] and "@" in got["Return-Path"]


def test_sendmail_crlf_and_long_and_8bit_input(make):
    p = make()
    body = b"crlf line\r\nlf line\n" + b"z" * 5000 + b"\n" + "grün".encode() + b"\nlast without end"
    p.cli("-i", "bob@here.test", name="sendmail", stdin=b"From: a@here.test\r\nSubject: x\r\n\r\n" + body, check=0)
    got = p.wait_mail("bob")[0]
    assert got.endswith(b"crlf line\nlf line\n" + b"z" * 5000 + b"\n" + "grün".encode() + b"\nlast without end\n")


def test_sendmail_without_header(make):
    p = make()
    p.cli("-i", "bob@here.test", name="sendmail", stdin=b"just text, no header\nand more: of it\n", check=0)
    got = email.message_from_bytes(p.wait_mail("bob")[0])
    assert "just text, no header" in got.get_payload()


def test_sendmail_refusals(make):
    p = make("deliver bob@here.test maildir mail/bob\npostmaster bob@here.test")
    assert p.cli("-i", name="sendmail", stdin=b"x\n").returncode == 64
    assert p.cli("-t", "-i", name="sendmail", stdin=b"Subject: nobody\n\nx\n").returncode in (64, 65)
    done = p.cli("-i", "nobody@here.test", name="sendmail", stdin=b"Subject: x\n\nx\n")
    assert done.returncode in (65, 67, 69, 70) and b"5.1.1" in done.stderr


def test_sendmail_bs(make):
    p = make()
    done = p.cli("-bs", name="sendmail", stdin=b"EHLO x.test\r\nMAIL FROM:<ada@here.test>\r\nRCPT TO:<bob@here.test>\r\nDATA\r\nSubject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n", check=0)
    codes = re.findall(rb"^(\d\d\d) ", done.stdout, re.M)
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert b"Subject: bs" in p.wait_mail("bob")[0]


def test_sendmail_bp_and_q(make, holding):
    assert b"bob@there.test" in holding.cli("-bp", name="sendmail", check=0).stdout
    assert holding.cli("-q", name="sendmail").returncode == 0


def test_pipit_send(make):
    p = make()
    p.cli("send", "-i", "bob@here.test", stdin=b"Subject: by send\n\nx\n", check=0)
    assert b"by send" in p.wait_mail("bob")[0]


@pytest.mark.parametrize("arguments", [["-i", "--", "-oQ/tmp/pipit-owned"], ["-i", "--", "-C/etc/passwd@here.test"], ["-i", "-f", "-oQ/tmp/pipit-owned@here.test", "bob@here.test"],
                                       ["-i", "-f", "-bd", "bob@here.test"], ["-i", "--", "-bs"]])
def test_CVE_2016_10033_address_that_starts_with_a_dash(make, arguments):
    """PHPMailer, nodemailer CVE-2020-7769: after -- and as a value it is an address, a bad one."""
    p = make()
    done = p.cli(*arguments, name="sendmail", stdin=b"Subject: x\n\nx\n")
    assert not os.path.exists("/tmp/pipit-owned")
    assert done.returncode in (0, 64, 65, 67)
    assert b"220 " not in done.stdout


def test_CVE_2025_13033_quoted_at_in_To(make, make_sink):
    s = make_sink()
    p = make(f"smarthost 127.0.0.1:{s.port} tls=none")
    p.cli("-t", "-i", name="sendmail", stdin=b'From: a@here.test\nTo: "bob@evil.test x"@here.test\nSubject: x\n\nx\n')
    p.wait_empty()
    assert not s.transactions


def test_CVE_2023_27043_and_crackaddr_in_To(make, make_sink):
    s = make_sink()
    p = make(f"smarthost 127.0.0.1:{s.port} tls=none")
    for to in (b"alice@here.test)bob@evil.test", b"<" * 500 + b">" * 500, b"(" * 3000, b"a@here.test (" + b"x" * 5000 + b")", b"<>" * 500 + b"()" * 500, b'"' + b"\\" * 1001, b"group: a@here.test, b@here.test;",
               b"\xff\xfe@here.test", b"a@here.test,,,,,b@here.test", b"," * 5000):
        done = p.cli("-t", "-i", name="sendmail", stdin=b"From: a@here.test\nTo: " + to + b"\nSubject: x\n\nx\n", timeout_s=10)
        assert done.returncode in (0, 64, 65, 67, 69), (to[:40], done)
    p.wait_empty()
    assert not [t for t in s.transactions if any("evil" in r for r in t.rcpts)]


def test_CVE_2008_3962_long_name(make):
    p = make()
    done = p.cli("-i", "-F", "N" * 5000, "-f", "a" * 60 + "@here.test", "bob@here.test", name="sendmail", stdin=b"Subject: x\n\nx\n")
    assert done.returncode in (0, 64, 65)
    done = p.cli("-i", "-F", 'x"\r\nX-Injected: 1', "bob@here.test", name="sendmail", stdin=b"Subject: x\n\nx\n")
    if done.returncode == 0:
        for got in p.wait_mail("bob"):
            assert b"\nX-Injected" not in got.split(b"\n\n")[0]


def test_offline_spool_is_drained_at_start(make):
    """No MTA is running: the mail is put by, and goes out when it starts."""
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
    assert len(p.mail("bob")) == 5, "each once"


def test_offline_spool_by_any_user(make):
    peers.need_root("another user")
    p = make()
    p.stop()
    link = p.link("sendmail")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", link, "-C", p.config, "-i", "bob@here.test"],
                          input=b"Subject: by nobody\n\nx\n", capture_output=True, timeout=20, check=False)
    p.start()
    if done.returncode == 0:
        assert b"by nobody" in p.wait_mail("bob")[0]
    else:
        assert done.returncode == 75 and done.stderr
    # With the MTA running it is submitted by SMTP: that any user may.
    subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", link, "-C", p.config, "-i", "cid@here.test"],
                   input=b"Subject: online\n\nx\n", timeout=20, check=True)
    p.wait_mail("cid")


def test_CVE_2020_8793_spool_links(make, folder):
    """A local user puts links into the spool: nothing of another's is read or removed by them."""
    p = make()
    p.stop()
    p.cli("-i", "bob@here.test", name="sendmail", stdin=b"Subject: x\n\nx\n", check=0)
    spool = next((os.path.join(root, d) for root, dirs, _ in os.walk(p.folder) for d in dirs if "spool" in d or "offline" in d), None)
    if spool is None:
        pytest.skip("the spool is not below the configuration's folder")
    secret = f"{folder}/secret"
    with open(secret, "wb") as f:
        f.write(b"From: a@here.test\nTo: bob@here.test\n\nTOP SECRET\n")
    os.chmod(secret, 0o600)
    model = next(os.path.join(r, f) for r, _, fs in os.walk(spool) for f in fs)
    os.symlink(secret, os.path.join(os.path.dirname(model), "link" + os.path.basename(model)))
    p.start()
    p.wait_mail("bob")
    p.wait_empty()
    assert not any(b"TOP SECRET" in m for m in p.mail("bob"))
    assert os.path.exists(secret)


# ---- queue ------------------------------------------------------------------------------------------

def test_mailq(holding):
    for done in (holding.cli(name="mailq", check=0), holding.cli("queue", check=0)):
        text = done.stdout.decode()
        for m in holding.queue():
            assert m["id"] in text
        for word in ("bob@there.test", "eve@there.test", "cid@other.test", "ada@client.test"):
            assert word in text, word


def test_queue_json(holding):
    data = holding.json("queue")
    text = json.dumps(data)
    for word in ("bob@there.test", "eve@there.test", "cid@other.test", "ada@client.test"):
        assert word in text
    messages = data if isinstance(data, list) else data["messages"]
    assert len(messages) == 2
    for m in messages:
        assert re.fullmatch(r"[0-9a-f]{8}", m["id"])
        assert isinstance(m["size"], int) and isinstance(m["age"], int)


def test_mailq_json_of_an_empty_queue(make):
    p = make()
    data = p.json("queue")
    assert data in ([], {"messages": []}) or not (data.get("messages") if isinstance(data, dict) else data)


def test_queue_show(holding):
    id_ = next(m["id"] for m in holding.queue() if m["sender"] == "ada@client.test")
    text = holding.cli("queue", "show", id_, check=0).stdout.decode()
    assert "Subject: first" in text and "bob@there.test" in text and "Received: " in text
    holding.json("queue", "show", id_)


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
    assert holding.cli("queue", "remove", "other.test", check=0)
    assert [m["sender"] for m in holding.queue()] == ["ada@client.test"]
    assert holding.cli("queue", "remove", "all", check=0)
    assert not holding.queue()


def test_queue_of_nothing(make):
    p = make()
    for action in ("show", "retry", "hold", "release", "remove"):
        done = p.cli("queue", action, "0000beef")
        assert done.returncode != 0 and done.stderr + done.stdout, action
    assert p.cli("queue", "frobnicate").returncode == 64
    assert p.cli("queue", "remove").returncode == 64


def test_removed_while_being_delivered(make, make_sink):
    s = make_sink({"dot": Wait(1, "250 ok")})
    p = make(f"route there.test 127.0.0.1:{s.port}")
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait_sessions()
    p.cli("queue", "remove", "all")
    p.wait_empty()
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait(1)


def test_queue_resize_and_format_offline(holding):
    p = holding
    assert p.cli("queue", "resize", "16M").returncode != 0, "it is running"
    p.stop()
    p.cli("queue", "resize", "16M", check=0)
    assert os.path.getsize(p.queue_path) == 16 << 20
    p.write_config("route there.test 127.0.0.1:9\nroute other.test 127.0.0.1:9\nretry 1h\nqueue queue 16M")
    p.start()
    assert len(p.queue()) == 2
    p.stop()
    p.cli("queue", "format", check=0)
    p.start()
    assert not p.queue()


def test_resize_smaller_than_what_is_in_it(make):
    p = make("route there.test 127.0.0.1:9\nretry 1h\nqueue queue 8M")
    for n in range(60):
        assert submit(p.port, "ada@client.test", f"m{n}@there.test", message(b"q" * 78 + (b"\r\n" + b"q" * 78) * 400 + b"\r\n")) == 250
    p.stop()
    done = p.cli("queue", "resize", "64K")
    assert done.returncode != 0 and done.stderr
    p.start()
    assert len(p.queue()) == 60, "refused, and nothing is lost"


# ---- status, resolve, check -----------------------------------------------------------------------------

def test_status(make):
    p = make()
    assert submit(p.port, "ada@client.test", "bob@here.test", message()) == 250
    p.wait_mail("bob")
    p.wait_empty()
    text = p.cli("status", check=0).stdout.decode()
    assert "0.1" in text and "accepted" in text
    data = p.json("status")
    flat = json.dumps(data)
    for word in ("version", "uptime", "accepted", "delivered", "sessions"):
        assert word in flat, word
    counters = p.counters()
    assert counters["accepted"] == 1 and counters["delivered"] == 1


def test_resolve(make, make_dns):
    from lyingdns import a, aaaa, mx
    dns = make_dns({"there.test": [mx(20, "m2.test"), mx(10, "m1.test")], "m1.test": [a("192.0.2.1"), aaaa("2001:db8::1")], "m2.test": [a("192.0.2.2")], "null.test": [mx(0, ".")]})
    p = make(f"{dns.conf}\nroute fixed.test 192.0.2.9:26")
    text = p.cli("resolve", "there.test", check=0).stdout.decode()
    assert text.index("m1.test") < text.index("m2.test") and "192.0.2.1" in text and "2001:db8::1" in text
    data = json.dumps(p.json("resolve", "there.test"))
    assert "m1.test" in data
    assert "192.0.2.9" in p.cli("resolve", "fixed.test", check=0).stdout.decode()
    assert p.cli("resolve", "here.test", check=0)
    assert p.cli("resolve", "null.test").returncode == 69
    assert p.cli("resolve", "no.such.test").returncode != 0
    assert p.cli("resolve").returncode == 64


def test_commands_without_a_running_mta(make):
    p = make(start=False)
    for arguments in (["queue"], ["status"], ["resolve", "x.test"], ["queue", "retry", "all"]):
        done = p.cli(*arguments)
        assert done.returncode in (69, 75) and done.stderr, arguments


def test_usage(make):
    p = make(start=False)
    for arguments in ([], ["frobnicate"], ["run", "--frobnicate"], ["status", "extra"]):
        done = subprocess.run([BINARY] + arguments, capture_output=True, timeout=10, check=False, cwd=p.folder)
        assert done.returncode == 64 and done.stderr + done.stdout, arguments


def test_check_tells_all_errors_at_once(make):
    p = make(start=False)
    p.write_config("""hostnam x.test
        listen nowhere
        max_message_size lots
        retry 1h 1m
        tls_certificate /x
        cut_through 4s
        deliver *@lan pipe /usr/bin/notify
        smarthost smtp.example.test:587
        queue memory 256K
        user camera x
        frobnicate 1
        local_domain""", usual=False)
    done = p.cli("check")
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == 78
    for line in range(1, 13):
        assert f"pipit.conf:{line}: " in text, f"line {line} is not in\n{text}"
    assert "hostname" in text, "an unknown keyword names the nearest"
    assert text.count("not in this build") >= 4
    assert not os.path.exists(p.queue_path)


def test_check_of_a_good_file_is_silent(make):
    p = make(start=False)
    done = p.cli("check", check=0)
    assert not done.stderr


@pytest.mark.parametrize("line", ["tls_key /x", "tls_ca /x", "ntp_server x", "spf check", "dkim_verify check", "dmarc check", "dkim_sign a b /c", "clamd 127.0.0.1:3310", "dnsbl x", "rate_limit 192.168.1.0/24 30/h",
                                  "alert_to x@y.test", "user u v", "require_tls_for_auth no", "listen 127.0.0.1:5587 role=submission", "listen 127.0.0.1:5465 tls=implicit", "smarthost x.test tls=verified",
                                  "route x.test y.test tls=required", "deliver x@here.test lmtp unix:/x", "queue mtd:/dev/mtd5"])
def test_keywords_of_later_issues_are_refused(make, line):
    p = make(start=False)
    p.write_config(f"hostname a.test\nlocal_domain here.test\ndeliver *@here.test maildir m\n{line}", usual=False)
    done = p.cli("check")
    assert done.returncode == 78 and b"not in this build" in done.stdout + done.stderr


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


def test_control_socket_is_private(make):
    p = make()
    mode = os.stat(p.control_path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


@pytest.mark.parametrize("request_", ["", " ", "frobnicate", "queue extra words", "show", "show zzzz", "show 0000002a extra", "retry", "resolve", "resolve " + "a" * 380, "x" * 5000, "\x00\xff", "queue\x00", "network up"])
def test_control_line_bad_requests(make, request_):
    p = make()
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(p.control_path)
        s.sendall(request_.encode("latin-1") + b"\n" + b"status\n")
        got = b""
        while b"\nok\n" not in got:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    assert p.alive()
    assert p.control("status")


def test_control_several_requests_and_half_lines(make):
    p = make()
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(p.control_path)
        for octet in b"status\nqueue\n":
            s.sendall(bytes([octet]))
        got = b""
        while got.count(b"ok\n") < 2:
            piece = s.recv(65536)
            assert piece
            got += piece


def test_control_reload(make):
    p = make()
    before = len(p.log())
    assert p.control("reload") == []
    p.wait_log("reloaded", since=before)


def test_control_client_that_leaves_in_the_middle(make):
    """A big listing whose reader goes away."""
    import socket
    p = make("route there.test 127.0.0.1:9\nretry 1h")
    peers.smtp_source(p.port, "-s", "5", "-m", "150", "-f", "a@client.test", "-t", "x@there.test", "-M", "client.test")
    for _ in range(10):
        s = socket.socket(socket.AF_UNIX)
        s.connect(p.control_path)
        s.sendall(b"queue\n")
        s.recv(100)
        s.close()
    assert len(p.queue()) == 150
