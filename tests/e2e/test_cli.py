# SPDX-License-Identifier: BSD-2-Clause
"""The operator's calls and sendmail against the running daemon; the queue's file while it is stopped."""

import json
import os
import re
import signal
import subprocess

import pytest

import pipit as pipit_module
from lyingdns import a, mx
from pipit import wait_for

LIMIT_S = 20
AWAY = "route away1.test 127.0.0.1:1 tls=none\nroute away2.test 127.0.0.2:1 tls=none\nretry 1h\n"


def call(p, *words, data=b"", name=None):
    words = list(words)
    argv = [name] if name else ["pipit", words.pop(0)]
    return subprocess.run(argv + ["-c", p.config] + words, executable=pipit_module.BINARY, input=data,
                          capture_output=True, timeout=LIMIT_S, check=False)


def ok(p, *words, **kw):
    r = call(p, *words, **kw)
    assert r.returncode == 0, (words, r.stdout, r.stderr)
    return r.stdout


def waiting(p):
    return json.loads(ok(p, "queue", "--json"))


@pytest.fixture
def held(make):
    """A daemon whose mail cannot leave, by two ways; two messages wait."""
    p = make(AWAY)
    for n in (1, 2):
        ok(p, "-f", "me@here.test", f"x@away{n}.test", data=b"Subject: n%d\n\nbody\n" % n, name="sendmail")
    wait_for(lambda: all(m["recipients"][0]["attempts"] for m in waiting(p)), why="first tries")
    return p


def test_send_arrives(make):
    p = make()
    ok(p, "send", "-f", "me@x.test", "ada@here.test", data=b"Subject: x\n\n.dot\nbody\n")
    got = p.wait_mail("ada")[0]
    assert got.endswith(b"\n\n.dot\nbody\n") and b"\nSubject: x\n" in got
    assert b"\nFrom: me@x.test\n" in got and b"\nMessage-ID: <" in got


def test_send_is_refused(make):
    only = "deliver ada@here.test maildir mail/ada\nalias postmaster ada@here.test\n"
    p = make(only)
    r = call(p, "nobody@here.test", data=b"x\n", name="sendmail")
    assert r.returncode == 67 and b"550 5.1.1" in r.stderr
    p.write_config(only + "max_message_size 64K\n")
    p.restart()
    r = call(p, "ada@here.test", data=b"Subject: x\n\n" + b"y" * 70000, name="sendmail")
    assert r.returncode == 65 and b"552" in r.stderr


def test_queue_and_mailq(held):
    text = ok(held, "queue").decode()
    assert ok(held, name="mailq").decode().splitlines()[-1] == text.splitlines()[-1]
    assert re.search(r"(?m)^[0-9a-f]{8}  \d+ +\d+s +\w+ +me@here.test$", text)
    assert re.search(r"(?m)^          x@away1.test: pending, next try in \w+ \(tried 1 time\)$", text)
    assert re.search(r"^-- \d+ Kbytes in 2 Requests\.$", text.splitlines()[-1])
    first, second = waiting(held)
    assert {first["recipients"][0]["to"], second["recipients"][0]["to"]} == {"x@away1.test", "x@away2.test"}
    assert first["sender"] == "me@here.test" and first["size"] > 0 and first["pending"] == 1
    shown, = json.loads(ok(held, "queue", "show", "--json", first["id"]))
    assert any(line.startswith("Subject: n") for line in shown["header"])


def test_queue_is_changed(held):
    first, second = waiting(held)
    assert ok(held, "queue", "hold", first["id"]) == b"hold: 1 message\n"
    assert [m["state"] for m in waiting(held) if m["id"] == first["id"]] == ["held"]
    assert ok(held, "queue", "release", "away1.test").startswith(b"release: ")
    assert "held" not in [m["state"] for m in waiting(held)]
    ok(held, "queue", "retry", "all")
    wait_for(lambda: all(m["recipients"][0]["attempts"] == 2 for m in waiting(held)), why="second tries")
    assert json.loads(ok(held, "queue", "--json", "remove", second["id"])) == {"changed": [second["id"]]}
    assert [m["id"] for m in waiting(held)] == [first["id"]]
    ok(held, "queue", "remove", "all")
    assert ok(held, name="mailq") == b"Mail queue is empty\n"
    assert call(held, "queue", "show", first["id"]).returncode == 65


def test_status(make):
    p = make()
    s = json.loads(ok(p, "status", "--json"))
    assert s["hostname"] == "mx.here.test" and s["version"] and s["values"] and s["counters"]
    assert all(isinstance(n, int) for n in list(s["values"].values()) + list(s["counters"].values()))
    for line in ok(p, "status", "--metrics").decode().splitlines():
        assert re.fullmatch(r'# TYPE \w+ (counter|gauge)|\w+(\{(\w+="[^"]*",?)+\})? \d+', line)
    assert b"pipit" in ok(p, "status")


def test_resolve(make, make_dns):
    dns = make_dns({"b.test": [mx(10, "mx.b.test")], "mx.b.test": [a("192.0.2.1")], "null.test": [mx(0, "")]})
    p = make(f"dns_server 127.0.0.1:{dns.port}\nroute c.test 127.0.0.1:26 tls=none\n")
    d = json.loads(ok(p, "resolve", "b.test", "--json"))
    assert d["way"] == "mx" and d["hosts"][0]["name"] == "mx.b.test" and d["hosts"][0]["addresses"] == ["192.0.2.1"]
    assert b"127.0.0.1" in ok(p, "resolve", "c.test")
    r = call(p, "resolve", "null.test")
    assert r.returncode == 65 and b"5.1.10" in r.stderr


def test_newaliases(make):
    p = make("aliases aliases\n", start=False)
    path = os.path.join(p.folder, "aliases")
    with open(path, "w") as f:
        f.write("")
    p.start()
    with open(path, "w") as f:
        f.write("ops: ada@here.test\n")
    ok(p, name="newaliases")
    wait_for(lambda: call(p, "ops@here.test", data=b"x\n", name="sendmail").returncode == 0 and p.mail("ada"),
             why="mail through the alias")


# ---- the spool -------------------------------------------------------------------------------------


def test_spool_is_drained_at_start(make):
    p = make(start=False)
    for n in range(3):
        ok(p, "-f", "me@x.test", "ada@here.test", data=b"Subject: s%d\n\nbody\n" % n, name="sendmail")
    ok(p, "-f", "me@x.test", "ada@here.test", data=b"x\n", name="sendmail")
    p.start()
    got = p.wait_mail("ada", 4)
    assert sorted(re.findall(rb"Subject: (s\d)", b"".join(got))) == [b"s0", b"s1", b"s2"]
    wait_for(lambda: os.listdir(os.path.join(p.folder, "spool")) == [], why="an empty spool")


def test_spool_across_a_crash(make):
    """Whatever the moment: a message that sendmail took is there once."""
    p = make()
    p.kill()
    ok(p, "-f", "me@x.test", "ada@here.test", data=b"Subject: s\n\nbody\n", name="sendmail")
    p.start()
    p.wait_mail("ada")
    p.restart()
    assert len(p.mail("ada")) == 1


# ---- the queue's file ----------------------------------------------------------------------------------


def test_offline_work_waits_for_the_daemon_to_stop(held):
    for words in (["resize", "16M"], ["format"]):
        r = call(held, "queue", *words)
        assert r.returncode == 75 and b"another pipit" in r.stderr
    assert len(waiting(held)) == 2


def test_resize(held):
    before = {m["id"]: m["recipients"][0] for m in waiting(held)}
    held.stop()
    r = call(held, "queue", "resize", "16M")
    assert r.returncode == 0 and b"now write this size" in r.stdout, r.stderr
    assert os.stat(held.queue_path).st_size == 16 << 20
    assert not [f for f in os.listdir(held.folder) if f.startswith("queue.")]
    held.write_config(AWAY + "queue queue 16M\n")
    held.start()
    after = {m["id"]: m["recipients"][0] for m in waiting(held)}
    assert {i: (r["to"], r["attempts"], r["code"]) for i, r in before.items()} == \
        {i: (r["to"], r["attempts"], r["code"]) for i, r in after.items()}


def test_resize_refused(held):
    held.stop()
    size = os.stat(held.queue_path).st_size
    for words, code in ((["resize", "nonsense"], 64), (["resize", "1K"], 78), (["resize", "99999999G"], 64)):
        assert call(held, "queue", *words).returncode == code
    assert os.stat(held.queue_path).st_size == size
    held.start()
    assert len(waiting(held)) == 2


def test_format(held):
    held.stop()
    ok(held, "queue", "format")
    held.start()
    assert waiting(held) == []


def test_check_beside_the_daemon(held):
    assert ok(held, "check").decode().splitlines()[-1] == held.config + ": ok"
    held.process.send_signal(signal.SIGHUP)
    assert len(waiting(held)) == 2


def test_a_bare_name_stays_here(make):
    """sendmail root, where hostname is no local_domain: the alias for root is meant."""
    p = make("local_domain home.test\ndeliver *@home.test maildir mail/%u\nalias root ada@home.test")
    ok(p, "root", data=b"Subject: cron\n\nran\n", name="sendmail")
    assert p.wait_mail("ada")
