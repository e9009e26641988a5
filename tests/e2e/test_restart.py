# SPDX-License-Identifier: BSD-2-Clause
"""It ends, is killed, starts again and reads its configuration anew; accepted mail is there throughout."""

import os
import signal
import threading
import time

import pytest

import killer
import peers
from sink import HANG, Wait
from smtp import Closed, Smtp, assert_same, message, stuff, submit

KILLS = int(os.environ.get("PIPIT_KILLS", "50"))


@pytest.mark.limit(60 + 3 * KILLS)
def test_killed_at_random_under_load(folder):
    result = killer.run(folder + "/killed", KILLS, seed=KILLS)
    print(result)
    assert not result.problems, "\n".join(result.problems[:20])
    assert result.kills == KILLS
    assert result.accepted > 5 * KILLS, f"hardly a load: {result}"


def test_mail_waits_through_a_restart(make, make_sink):
    s = make_sink({"rcpt": "450 4.2.1 wait"})
    p = make(f"route there.test 127.0.0.1:{s.port}")
    ms = [message(f"{n}\r\n".encode() * 100) for n in range(20)]
    for n, m in enumerate(ms):
        assert submit(p.port, "ada@client.test", f"r{n}@there.test", m) == 250
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    before = {m["id"]: m for m in p.queue()}
    assert len(before) == 20
    p.restart()
    after = {m["id"]: m for m in p.queue()}
    assert set(after) == set(before)
    for id_, m in after.items():
        assert int(m["rcpt_rows"][0]["attempts"]) >= int(before[id_]["rcpt_rows"][0]["attempts"]) - 1
        assert m["arrival"] == before[id_]["arrival"] and m["size"] == before[id_]["size"]
    s.script["rcpt"] = "250 ok"
    s.wait(20, timeout_s=20)
    p.wait_empty()
    by_rcpt = {t.rcpts[0]: t.data for t in s.transactions}
    for n, m in enumerate(ms):
        assert_same(by_rcpt[f"r{n}@there.test"], m)


def test_delivered_recipients_are_not_sent_again_after_a_kill(make, make_sink):
    def rcpt(session, line):
        return "450 4.2.1 wait" if b"late" in line and not late_ok else "250 ok"
    late_ok = []
    s = make_sink({"rcpt": rcpt})
    p = make(f"route there.test 127.0.0.1:{s.port}")
    assert submit(p.port, "ada@client.test", ["now@there.test", "late@there.test"], message()) == 250
    s.wait()
    p.wait_queue(lambda m: {r["state"] for r in m["rcpt_rows"]} == {"delivered", "pending"})
    time.sleep(0.5)
    p.kill()
    late_ok.append(True)
    p.start()
    s.wait(2, timeout_s=15)
    p.wait_empty()
    assert [t.rcpts for t in s.transactions] == [["now@there.test"], ["late@there.test"]]


def test_sigterm_finishes_a_message_that_is_coming_in(make):
    """The dot has been sent: its reply still comes."""
    p = make()
    m = message()
    with Smtp(p.port) as c:
        c.begin_data("ada@client.test", "ada@here.test")
        c.send(stuff(m)[:-5])
        p.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        try:
            c.send(stuff(m)[-5:])
            r = c.reply()
        except (Closed, OSError):
            r = None
    p.stop()
    p.start()
    if r is not None and r == 250:
        assert_same(p.wait_mail("ada")[0], m)
    else:
        assert not p.mail("ada") and not p.queue()


def test_sigterm_finishes_a_delivery(make, make_sink):
    s = make_sink({"dot": Wait(1.0, "250 2.0.0 taken")})
    p = make(f"route there.test 127.0.0.1:{s.port}")
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait_sessions()
    time.sleep(0.3)
    p.stop()
    assert len(s.transactions) == 1
    p.start()
    p.wait_empty()
    time.sleep(0.5)
    assert len(s.transactions) == 1, "what was in flight was finished, and remembered"


def test_sigterm_is_bounded(make, make_sink):
    """A next hop that hangs and a client that says nothing do not keep it."""
    s = make_sink({"mail": HANG})
    p = make(f"route there.test 127.0.0.1:{s.port}")
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait_sessions()
    with Smtp(p.port) as idle, Smtp(p.port) as in_data:
        in_data.begin_data("ada@client.test", "ada@here.test")
        in_data.send(b"half a messa")
        began = time.monotonic()
        p.process.send_signal(signal.SIGTERM)
        r = idle.reply()
        assert r.code == 421
        p.process.wait(40)
        took = time.monotonic() - began
    code, p.process = p.process.returncode, None
    assert code == 0 and took < 35, (code, took)


def test_idle_clients_are_told_421_at_sigterm(make):
    p = make()
    with Smtp(p.port, helo="client.test") as c:
        p.process.send_signal(signal.SIGTERM)
        assert c.reply() == "421 4.3.2"
        assert c.closed()
    p.stop()


def test_reload_takes_a_new_configuration_without_dropping_sessions(make, make_sink):
    one, two = make_sink(), make_sink()
    p = make(f"route there.test 127.0.0.1:{one.port}")
    with Smtp(p.port, helo="client.test") as c:
        assert c.cmd("MAIL FROM:<ada@client.test>") == 250
        p.write_config(f"route there.test 127.0.0.1:{two.port}\nlocal_domain here.test new.test\n"
                       f"deliver *@here.test maildir {p.maildirs}/%u\ndeliver *@new.test maildir {p.maildirs}/new-%u")
        before = len(p.log())
        p.reload()
        p.wait_log("reloaded", since=before)
        assert c.cmd("RCPT TO:<bob@there.test>") == 250
        assert c.cmd("DATA") == 354
        c.send(message() + b".\r\n")
        assert c.reply() == 250
        c.quit()
    two.wait()
    assert not one.transactions
    assert submit(p.port, "ada@client.test", "x@new.test", message()) == 250
    p.wait_mail("new-x")


def test_reload_with_errors_keeps_the_old_one(make):
    p = make()
    p.write_config("frobnicate yes\nlisten nonsense\nmax_message_size lots")
    before = len(p.log())
    p.reload()
    p.wait_log("reload_failed|stays in force", since=before)
    new = p.log()[before:]
    for word in ("frobnicate", "nonsense", "lots"):
        assert word in new, f"every error is told: {word}"
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    p.wait_mail("ada")


def test_reload_changes_listeners(make):
    from pipit import free_port, wait_for
    p = make()
    second = free_port()
    old = p.config_text
    with open(p.config, "a", encoding="ascii") as f:
        f.write(f"listen 127.0.0.1:{second}\n")
    before = len(p.log())
    p.reload()
    p.wait_log("reloaded", since=before)
    assert submit(second, "ada@client.test", "ada@here.test", message()) == 250
    with open(p.config, "w", encoding="ascii") as f:
        f.write(old)
    before = len(p.log())
    p.reload()
    p.wait_log("reloaded", since=before)

    def gone():
        try:
            Smtp(second, timeout_s=1).close()
            return False
        except (OSError, Closed):
            return True
    wait_for(gone, 5, why="the old listener to close")
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250


def test_many_reloads_under_load(make, make_sink):
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}\nqueue queue 32M")
    failed = []

    def load():
        try:
            peers.smtp_source(p.port, "-s", "5", "-m", "200", "-f", "ada@client.test", "-t", "x@there.test", "-M", "client.test")
        except AssertionError as e:
            failed.append(e)
    t = threading.Thread(target=load)
    t.start()
    for _ in range(30):
        p.reload()
        time.sleep(0.03)
    t.join()
    assert not failed
    s.wait(200, timeout_s=30)
    p.wait_empty()


def test_sender_that_disappears_leaves_nothing(make):
    p = make()
    for cut in (b"", b"half", message()[:-2], message(), message() + b".", message() + b".\r"):
        c = Smtp(p.port)
        c.begin_data("ada@client.test", "ada@here.test")
        c.send(cut)
        c.close()
    c = Smtp(p.port)
    c.begin_data("ada@client.test", "ada@here.test")
    c.send(message())
    c.reset()
    time.sleep(0.3)
    assert not p.queue() and not p.mail("ada")
    assert submit(p.port, "ada@client.test", "ada@here.test", message()) == 250
    p.wait_mail("ada")
    p.restart()
    p.wait_empty()
    assert len(p.mail("ada")) == 1
