# SPDX-License-Identifier: BSD-2-Clause
"""The calls without a daemon: check, sendmail against a scripted listener and with none, and the
operator's calls against a control line that answers what the test wants."""

import json
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import threading

import pytest

import pipit as pipit_module
from pipit import free_port
from sink import DROP, Sink

LIMIT_S = 20


class Cli:
    """A configuration, and the calls that read it."""

    def __init__(self, folder, lines=""):
        self.folder = folder
        self.port = free_port()
        self.binary = pipit_module.BINARY
        self.conf = os.path.join(folder, "pipit.conf")
        self.spool = os.path.join(folder, "spool")
        self.write("hostname cli.test\nlisten 127.0.0.1:%d\nqueue queue 4M\ncontrol control\n%s\n" % (self.port, lines))

    def write(self, text):
        with open(self.conf, "w") as f:
            f.write(text)

    def run(self, *words, data=b"", call=None, conf=True, **kw):
        words = list(words)
        argv = [call] if call else [words.pop(0)]
        if conf:
            argv += ["-c", self.conf]
        if not call:
            argv = ["pipit"] + argv
        return subprocess.run(argv + words, executable=self.binary, input=data, capture_output=True,
                              timeout=LIMIT_S, check=False, **kw)

    def sendmail(self, *words, data=b"", **kw):
        return self.run(*words, data=data, call="sendmail", **kw)

    def sink(self, script=None):
        return Sink(script, port=self.port)

    def spooled(self):
        return sorted(f for f in os.listdir(self.spool) if f.startswith("m.")) if os.path.isdir(self.spool) else []


@pytest.fixture
def cli(folder):
    return Cli(folder)


def header(data, name):
    head = data.split(b"\r\n\r\n", 1)[0].decode("latin-1")
    found = re.findall(r"(?im)^%s: (.*(?:\r\n[ \t].*)*)" % re.escape(name), head + "\r\n")
    return [f.rstrip("\r\n") for f in found]


# ---- check -------------------------------------------------------------------------------------------


def test_check_ok(cli):
    r = cli.run("check")
    assert (r.returncode, r.stdout.decode().splitlines()[-1], r.stderr) == (0, cli.conf + ": ok", b"")


def test_check_tells_all_errors_at_once(cli):
    cli.write("hostname cli.test\nlisten nowhere\n\nsmarthots x\nretry 1x\n")
    r = cli.run("check")
    assert r.returncode == 78 and r.stdout == b""
    lines = r.stderr.decode().splitlines()
    assert [x.split(":")[1] for x in lines] == ["2", "4", "5"]
    assert all(x.startswith(cli.conf + ":") for x in lines)
    assert "smarthost" in lines[1]


def test_check_without_a_file(cli):
    os.unlink(cli.conf)
    r = cli.run("check")
    assert r.returncode == 78 and cli.conf.encode() in r.stderr


def test_check_reads_aliases(folder):
    cli = Cli(folder, "aliases aliases\n")
    path = os.path.join(folder, "aliases")
    with open(path, "w") as f:
        f.write("# people\nroot: a@b.test,\n  c@d.test\n\nbad: |/bin/sh\nops: root\n")
    r = cli.run("check")
    assert r.returncode == 78
    assert r.stderr.decode().startswith(path + ":5: ")
    with open(path, "w") as f:
        f.write("root: a@b.test,\n  c@d.test\n")
    assert cli.run("check").returncode == 0
    os.unlink(path)
    r = cli.run("check")
    assert r.returncode == 78 and path.encode() in r.stderr
    assert cli.sendmail("a@b.test", data=b"x\n").returncode == 0   # which asks no alias


def test_check_warns_about_the_queue(cli, folder):
    with open(os.path.join(folder, "queue"), "wb") as f:
        f.truncate(8 << 20)
    r = cli.run("check")
    assert r.returncode == 0 and b"warning" in r.stdout and b"8388608" in r.stdout
    # 4 MiB never admit one of 10 MiB.
    assert b"max_message_size" in r.stdout


def test_errors_reach_no_terminal_as_they_are(cli):
    cli.write("\x1b[2Jevil x\n")
    r = cli.run("check")
    assert r.returncode == 78 and b"\x1b" not in r.stderr


# ---- usage -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ["status", "extra"], ["status", "--json", "--metrics"], ["resolve"], ["resolve", "a b"], ["resolve", "a\nqueue"],
    ["queue", "explode", "all"], ["queue", "remove"], ["queue", "remove", "x\nremove all"], ["queue", "--wrong"],
    ["check", "x"], ["queue", "resize"],
])
def test_usage(cli, words):
    r = cli.run(*words)
    assert r.returncode == 64 and r.stdout == b"" and r.stderr


def test_no_such_call():
    r = subprocess.run([pipit_module.BINARY, "explode"], capture_output=True, check=False)
    assert r.returncode == 64


@pytest.mark.parametrize("words", [["status"], ["queue"], ["queue", "retry", "all"], ["resolve", "a.test"]])
def test_no_daemon(cli, words):
    r = cli.run(*words)
    assert r.returncode == 69 and b"pipit run" in r.stderr


# ---- sendmail --------------------------------------------------------------------------------------------------


def test_send_adds_what_is_missing(cli):
    with cli.sink() as sink:
        r = cli.sendmail("-F", "Me Too", "a@b.test", "root", data=b"Subject: x\n\nhello\n")
        assert (r.returncode, r.stderr) == (0, b"")
        t = sink.wait()[0]
    user = pwd.getpwuid(os.getuid()).pw_name
    assert t.sender == f"{user}@cli.test" and t.rcpts == ["a@b.test", "root@cli.test"]
    assert t.data.endswith(b"\r\n\r\nhello\r\n")
    assert header(t.data, "From") == [f'"Me Too" <{user}@cli.test>']
    assert header(t.data, "Subject") == ["x"] and header(t.data, "To") == ["undisclosed-recipients:;"]
    assert re.fullmatch(r"<[0-9a-f.]+@cli.test>", header(t.data, "Message-ID")[0])
    assert re.fullmatch(r"\w{3}, \d\d? \w{3} \d{4} [\d:]{8} \+0000", header(t.data, "Date")[0])


def test_send_keeps_what_is_there(cli):
    text = b"Date: d\nMESSAGE-ID: <m>\nfrom: f@f.test\nTo: t@t.test\nX: y\n z\n\nbody"
    with cli.sink() as sink:
        assert cli.sendmail("-f", "f@f.test", "a@b.test", data=text).returncode == 0
        t = sink.wait()[0]
    assert t.data == text.replace(b"\n", b"\r\n") + b"\r\n" and t.sender == "f@f.test"


def test_header_recipients(cli):
    text = (b"To: Joe <a@b.test>, \"x, y\" <c@d.test>\r\n (more), team: e@f.test, g@h.test;\n"
            b"Cc: root\nBcc: secret@b.test,\n other@b.test\nReturn-Path: <x@y>\nSubject: s\n\nbody\n")
    with cli.sink() as sink:
        assert cli.sendmail("-t", "-i", "more@b.test", data=text).returncode == 0
        t = sink.wait()[0]
    assert t.rcpts == ["more@b.test", "a@b.test", "c@d.test", "e@f.test", "g@h.test", "root@cli.test",
                       "secret@b.test", "other@b.test"]
    assert b"secret" not in t.data and b"Bcc" not in t.data and b"Return-Path" not in t.data
    assert header(t.data, "Subject") == ["s"] and header(t.data, "Cc") == ["root"]


@pytest.mark.parametrize("to", [
    "<><><><><>()()()()", "a@b.test c@d.test", "alice@ok.test)bob@evil.test", "-oQ/tmp@x.test", "(((((((", "\"x",
    "a\xff@b.test", "a@b.test;;;<c@d.test",
])
def test_bad_header_recipients(cli, to):
    with cli.sink() as sink:
        r = cli.sendmail("-t", data=b"To: " + to.encode("latin-1") + b"\n\nx\n")
        assert r.returncode == 65 and sink.transactions == []
    assert b"\xff" not in r.stderr and cli.spooled() == []


def test_quoted_part_is_no_address(cli):
    """CVE-2025-13033"""
    with cli.sink() as sink:
        assert cli.sendmail("-t", data=b'To: "a@evil.test x"@internal.test\n\nx\n').returncode == 0
        assert sink.wait()[0].rcpts == ['"a@evil.test x"@internal.test']


def test_injected_options(cli, folder):
    """PHPMailer's CVE-2016-10033: what mail(3) of PHP passes on."""
    log = os.path.join(folder, "shell.php")
    with cli.sink() as sink:
        r = cli.sendmail("-t", "-i", '-fattacker"', "-oQ/tmp/", "-X" + log, 'some"@email.test', data=b"To: a@b.test\n\nx\n")
        assert r.returncode == 65
        r = cli.sendmail("-i", "-X" + log, "-oQ" + folder, "a@b.test", data=b"Subject: <?php ?>\n\nx\n")
        assert r.returncode == 0 and len(sink.wait()) == 1
        for words in (["--", "-oQ/tmp"], ["a@b.test", "-f", "x@y.test"], ["--", "-f"], ["-f", "-oQ@x.test", "a@b.test"]):
            assert cli.sendmail(*words, data=b"x\n").returncode in (64, 65)
        assert len(sink.transactions) == 1
    assert not os.path.exists(log)


def test_line_ends_in_arguments(cli):
    with cli.sink() as sink:
        for words in (["a@b.test>\r\nRCPT TO:<c@d.test"], ["-f", "x@y.test>\r\nRCPT TO:<c@d.test", "a@b.test"]):
            assert cli.sendmail(*words, data=b"x\n").returncode == 65
        assert cli.sendmail("-F", "x\r\nBcc: y@z.test", "a@b.test", data=b"\nx\n").returncode == 0
        assert header(sink.wait()[0].data, "Bcc") == []


@pytest.mark.parametrize("words, want", [
    ([], b"a\r\n"), (["-i"], b"a\r\n.\r\nb\r\n..c\r\n"), (["-oi"], b"a\r\n.\r\nb\r\n..c\r\n"),
])
def test_single_dot(cli, words, want):
    with cli.sink() as sink:
        assert cli.sendmail(*words, "a@b.test", data=b"S: x\n\na\n.\nb\n..c\n").returncode == 0
        assert sink.wait()[0].data.split(b"\r\n\r\n", 1)[1] == want


def test_stray_line_ends_do_not_leave(cli):
    with cli.sink() as sink:
        assert cli.sendmail("-i", "a@b.test", data=b"S: x\n\na\r.\r\nMAIL\n.\rb\r\r\nc").returncode == 0
        assert sink.wait()[0].data.split(b"\r\n\r\n", 1)[1] == b"a .\r\nMAIL\r\n. b\r\nc\r\n"


def test_no_header(cli):
    with cli.sink() as sink:
        assert cli.sendmail("a@b.test", data=b"Just text, no colon: anywhere early\nX: y\n").returncode == 0
        body = sink.wait()[0].data.split(b"\r\n\r\n", 1)[1]
    assert body == b"Just text, no colon: anywhere early\r\nX: y\r\n"


def test_subject(cli):
    with cli.sink() as sink:
        r = cli.run("send", "-s", "gr\u00fcn\r\nBcc: x@y.test", "a@b.test", data="Hello: \u00e4\n.\nx".encode())
        assert r.returncode == 0
        t = sink.wait()[0]
    assert header(t.data, "Subject") == ["=?UTF-8?Q?gr=C3=BCn=20=20Bcc=3A=20x=40y=2Etest?="]
    assert header(t.data, "To") == ["a@b.test"] and header(t.data, "Content-Transfer-Encoding") == ["8bit"]
    assert t.data.split(b"\r\n\r\n", 1)[1] == "Hello: \u00e4\r\n.\r\nx\r\n".encode()
    assert "8BITMIME" in t.params


def test_large_message_streams(cli):
    line = b"." * 60 + b"\n"
    data = b"Subject: big\n\n" + line * 100000
    with cli.sink() as sink:
        assert cli.sendmail("a@b.test", data=data).returncode == 0
        body = sink.wait()[0].data.split(b"\r\n\r\n", 1)[1]
    assert body == (line * 100000).replace(b"\n", b"\r\n")


def test_header_too_long(cli):
    with cli.sink() as sink:
        r = cli.sendmail("a@b.test", data=b"X: " + b"x" * 70000 + b"\n\nx\n")
        assert r.returncode == 65 and sink.transactions == []


@pytest.mark.parametrize("script, code", [
    ({"rcpt": "550 5.1.1 no such user"}, 67),
    ({"rcpt": "550 5.7.1 relaying denied"}, 65),
    ({"rcpt": "451 4.7.1 later"}, 75),
    ({"mail": "552 5.3.4 too big"}, 65),
    ({"mail": "452 4.3.1 full"}, 75),
    ({"dot": "554 5.6.0 no"}, 65),
    ({"dot": "451 4.3.0 later"}, 75),
    ({"dot": DROP}, 75),
    ({"banner": "421 4.7.0 too many"}, 75),
    ({"rcpt": b"550 5.7.1 \x1b[2J\r\n"}, 65),
])
def test_exit_codes(cli, script, code):
    with cli.sink(script) as sink:
        r = cli.sendmail("a@b.test", data=b"S: x\n\nbody\n")
        assert r.returncode == code and b"\x1b" not in r.stderr
        # A lone dot is how a client takes back the DATA that it had sent ahead (RFC 2920 3.1).
        assert [t for t in sink.transactions if t.data] == [] or "dot" in script
    assert cli.spooled() == []


def test_all_or_nothing(cli):
    def rcpt(session, line):
        return "550 5.1.1 no" if b"bad" in (line if isinstance(line, bytes) else line.encode()) else "250 2.1.5 ok"
    with cli.sink({"rcpt": rcpt}) as sink:
        r = cli.sendmail("good@b.test", "bad@b.test", data=b"x\n")
        assert r.returncode == 67 and b"bad@b.test: 550 5.1.1" in r.stderr
        assert sink.transactions == []


def test_no_recipients(cli):
    assert cli.sendmail(data=b"x\n").returncode == 64
    assert cli.sendmail("-t", data=b"Subject: x\n\nx\n").returncode == 64


def test_standard_smtp(cli):
    with cli.sink() as sink:
        r = cli.sendmail("-bs", data=b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n")
        assert r.returncode == 0 and r.stdout.startswith(b"220 ") and b"\r\n221 " in r.stdout
        assert sink.wait()[0].data == b"hi\r\n"
    r = cli.sendmail("-bs", data=b"QUIT\r\n")
    assert r.returncode == 69 and r.stdout.startswith(b"421 ")


# ---- the spool -----------------------------------------------------------------------------------------------------


def test_spool(cli):
    r = cli.sendmail("-f", "me@x.test", "a@b.test", "root", data=b"Subject: x\n\n.dot\nbody")
    assert (r.returncode, r.stderr) == (0, b"")
    name, = cli.spooled()
    assert re.fullmatch(r"m\.[0-9a-f]{32}", name)
    path = os.path.join(cli.spool, name)
    with open(path, "rb") as f:
        head, message = f.read().split(b"\n\n", 1)
    assert head == b"pipit-spool 1\nSme@x.test\nRa@b.test\nRroot@cli.test"
    assert message.startswith(b"Subject: x\r\n") and message.endswith(b"\r\n\r\n.dot\r\nbody\r\n")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    assert stat.S_IMODE(os.stat(cli.spool).st_mode) == 0o3733
    assert len(os.listdir(cli.spool)) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_spool_for_any_user(cli):
    os.mkdir(cli.spool)
    os.chmod(cli.spool, 0o3733)
    os.chmod(cli.conf, 0o644)
    # The tree may be where nobody may look: in /root, for example.
    cli.binary = shutil.copy(cli.binary, os.path.join(cli.folder, "pipit"))

    def nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    r = cli.sendmail("a@b.test", data=b"x\n", preexec_fn=nobody)
    assert (r.returncode, r.stderr) == (0, b"")
    assert len(cli.spooled()) == 1
    os.chmod(cli.spool, 0o700)
    r = cli.sendmail("a@b.test", data=b"x\n", preexec_fn=nobody)
    assert r.returncode == 75 and b"spool" in r.stderr
    # Also one who may not read the configuration: the usual listener is then asked, and
    # here neither it nor the usual spool is there.
    os.chmod(cli.conf, 0o600)
    r = cli.sendmail("a@b.test", data=b"x\n", preexec_fn=nobody)
    assert r.returncode == 78


def test_spool_when_the_session_does_not_start(cli):
    for script in ({"banner": DROP}, {"data": DROP}):
        with cli.sink(script):
            assert cli.sendmail("a@b.test", data=b"Subject: x\n\nbody\n").returncode == 0
    assert len(cli.spooled()) == 2


def test_spool_refuses_what_is_too_large(cli):
    cli = Cli(cli.folder, "max_message_size 64K\n")
    r = cli.sendmail("a@b.test", data=b"S: x\n\n" + b"y" * 100000)
    assert r.returncode == 65 and os.listdir(cli.spool) == []


def test_spool_cannot_be_led_away(cli, folder):
    target = os.path.join(folder, "elsewhere")
    os.mkdir(target)
    os.symlink(target, cli.spool)
    r = cli.sendmail("a@b.test", data=b"x\n")
    assert r.returncode == 75 and os.listdir(target) == []


def test_spool_disk_full(cli):
    os.mkdir(cli.spool)
    r = cli.sendmail("a@b.test", data=b"S: x\n\n" + b"y\n" * 500000,
                     preexec_fn=lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_FSIZE, (65536, 65536)))
    assert r.returncode in (75, -25) and cli.spooled() == []


# ---- the control line ----------------------------------------------------------------------------------------------------


class FakeControl:
    """Answers each request with what the test says; keeps the requests."""

    def __init__(self, path, answers):
        self.requests, self.answers = [], answers
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s, s.makefile("rb") as lines:
                for line in lines:
                    self.requests.append(line.decode().rstrip("\n"))
                    try:
                        s.sendall(self.answers.get(self.requests[-1], b"error unknown request\n"))
                    except OSError:
                        break
                    if self.requests[-1] == "status" and not self.answers["status"].endswith(b"\n"):
                        break

    def close(self):
        self.listener.close()


QUEUE = (b'message id=0000002a size=4096 arrival=1764012345 age=75 sender=a@b.test state=waiting priority=normal rcpts=2 '
         b'pending=1 eight_bit=1\n'
         b'rcpt id=0000002a n=0 to=x@y.test state=pending attempts=2 next=57 code=451 enhanced=4.7.1 '
         b'text="try \\x1b[2J \\"later\\" \\xff"\n'
         b'rcpt id=0000002a n=1 to="\\"a b\\"@y.test" state=delivered attempts=0 next= code=0 enhanced="" text=""\n'
         b'report id=0000002a kind=delay attempts=1 next=9\n'
         b'message id=0000002b size=100 arrival=0 age=3 sender="" state=held priority=bulk rcpts=1 pending=1 eight_bit=0\n'
         b'rcpt id=0000002b n=0 to=z@y.test state=pending attempts=0 next=0 code=0\n'
         b'ok\n')
STATUS = (b'info version=0.1 hostname=cli.test\nvalue name=uptime value=90\nvalue name=sessions_in value=3 max=100\n'
          b'counter name=accepted value=12\nok\n')
ANSWERS = {
    "queue": QUEUE, "status": STATUS, "retry all": b"changed id=0000002a\nchanged id=0000002b\nok\n",
    "remove 0000002a": b"changed id=0000002a\nok\n", "hold none.test": b"error no such message\n", "reload": b"ok\n",
    "show 0000002a": QUEUE.split(b"message id=0000002b")[0] + b'line text="Subject: x \\x1b[2J"\nline text="To: y"\nok\n',
    "resolve b.test": b"route way=mx\nhost name=mx.b.test preference=10 port=25 tls=none addresses=192.0.2.1,2001:db8::1\n"
                      b'host name=mx2.b.test preference=20 port=25 tls=none addresses=""\nok\n',
    "resolve null.test": b"error 5.1.10 domain takes no mail (null MX)\n",
    "resolve slow.test": b"error 4.4.3 DNS is not answering\n",
}


@pytest.fixture
def control(cli, folder):
    c = FakeControl(os.path.join(folder, "control"), dict(ANSWERS))
    yield c
    c.close()


def test_queue_for_people(cli, control):
    r = cli.run("queue")
    assert r.returncode == 0 and b"\x1b" not in r.stdout and b"\xff" not in r.stdout
    text = r.stdout.decode("ascii")
    assert "ID        SIZE  AGE     STATE    SENDER\n0000002a  4.0K  1m15s   waiting  a@b.test\n" in text
    assert "x@y.test: pending, next try in 57s (tried 2 times)\n            451 4.7.1 try \\x1B[2J" in text
    assert "  held     <>\n" in text and "report to the sender, delay" in text
    assert text.splitlines()[-1] == "-- 5 Kbytes in 2 Requests."


def test_mailq_and_its_names(cli, control):
    want = cli.run("queue").stdout
    assert cli.run(call="mailq").stdout == want and cli.sendmail("-bp").stdout == want
    control.answers["queue"] = b"ok\n"
    assert cli.run(call="mailq").stdout == b"Mail queue is empty\n"


def test_queue_json(cli, control):
    r = cli.run("queue", "--json")
    first, second = json.loads(r.stdout)
    assert first["id"] == "0000002a" and first["size"] == 4096 and first["eight_bit"] is True
    assert first["recipients"][0]["text"] == 'try \x1b[2J "later" \xff' and first["recipients"][0]["next"] == 57
    assert first["recipients"][1]["to"] == '"a b"@y.test' and first["recipients"][1]["next"] is None
    assert first["reports"] == [{"kind": "delay", "attempts": 1, "next": 9}]
    assert second["sender"] == "" and second["reports"] == [] and len(second["recipients"]) == 1
    control.answers["queue"] = b"ok\n"
    assert json.loads(cli.run("queue", "--json").stdout) == []


def test_queue_show(cli, control):
    r = cli.run("queue", "show", "0000002a")
    assert r.returncode == 0 and b"    Subject: x \\x1B[2J\n" in r.stdout
    shown, = json.loads(cli.run("queue", "show", "--json", "0000002a").stdout)
    assert shown["header"] == ["Subject: x \x1b[2J", "To: y"]


def test_queue_changes(cli, control):
    r = cli.run("queue", "retry", "all")
    assert (r.returncode, r.stdout) == (0, b"retry: 2 messages\n")
    r = cli.run("queue", "--json", "remove", "0000002a")
    assert json.loads(r.stdout) == {"changed": ["0000002a"]}
    r = cli.run("queue", "hold", "none.test")
    assert r.returncode == 65 and b"no such message" in r.stderr
    assert cli.sendmail("-q").returncode == 0
    assert control.requests == ["retry all", "remove 0000002a", "hold none.test", "retry all"]


def test_broken_answer_is_still_json(cli, control):
    control.answers["queue"] = QUEUE[:QUEUE.index(b"message id=0000002b")] + b"error stopped\n"
    r = cli.run("queue", "--json")
    assert r.returncode == 65 and len(json.loads(r.stdout)) == 1


def test_status(cli, control):
    r = cli.run("status")
    assert r.returncode == 0 and re.search(rb"^sessions_in +3 of 100$", r.stdout, re.M)
    s = json.loads(cli.run("status", "--json").stdout)
    assert s == {"version": "0.1", "hostname": "cli.test", "values": {"uptime": 90, "sessions_in": 3},
                 "limits": {"sessions_in": 100}, "counters": {"accepted": 12}}


def test_metrics(cli, control):
    text = cli.run("status", "--metrics").stdout.decode()
    assert 'pipit_info{version="0.1",hostname="cli.test"} 1\n' in text
    assert "# TYPE pipit_accepted_total counter\npipit_accepted_total 12\n" in text
    for line in text.splitlines():
        assert re.fullmatch(r'# TYPE \w+ (counter|gauge)|\w+(\{(\w+="[^"]*",?)+\})? \d+', line)


def test_lost_answer(cli, control):
    control.answers["status"] = b"value name=uptime value=9"
    r = cli.run("status")
    assert r.returncode == 69 and r.stdout == b""


def test_resolve(cli, control):
    r = cli.run("resolve", "b.test")
    assert r.stdout == (b"way: mx\n10 mx.b.test port 25 tls none 192.0.2.1,2001:db8::1\n20 mx2.b.test port 25 tls none \n")
    d = json.loads(cli.run("resolve", "b.test", "--json").stdout)
    assert d["way"] == "mx" and d["hosts"][0]["addresses"] == ["192.0.2.1", "2001:db8::1"]
    assert d["hosts"][1]["addresses"] == [] and d["hosts"][1]["preference"] == 20
    r = cli.run("resolve", "--json", "null.test")
    assert r.returncode == 65 and "null MX" in json.loads(r.stdout)["error"]
    assert cli.run("resolve", "slow.test").returncode == 75


def test_newaliases(cli, control, folder):
    cli.write("control control\naliases aliases\n")
    with open(os.path.join(folder, "aliases"), "w") as f:
        f.write("root: |sh\n")
    assert cli.run(call="newaliases").returncode == 78 and control.requests == []
    with open(os.path.join(folder, "aliases"), "w") as f:
        f.write("root: a@b.test\n")
    assert cli.run(call="newaliases").returncode == 0 and cli.sendmail("-bi").returncode == 0
    assert control.requests == ["reload", "reload"]
