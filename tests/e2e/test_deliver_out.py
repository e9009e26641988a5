# SPDX-License-Identifier: BSD-2-Clause
"""Mail goes out: to a real Postfix, to smtp-sink with its faults, to a server that misbehaves by script."""

import os
import re

import pytest

import peers
import sink as sink_module
from lyingdns import a, mx
from sink import DROP, HANG, RESET, Slowly, Then, Wait
from smtp import Smtp, assert_same, message, same, submit
from test_clients_in import BODIES


# ---- Postfix, found through MX in a real name server -----------------------------------

@pytest.fixture(scope="module")
def to_postfix(root_folder, nsd, postfix):
    from pipit import Pipit
    with Pipit(os.path.join(root_folder, "to-postfix"), f"{nsd.conf}\nmx_port {postfix.port}\nqueue queue 64M") as p:
        yield p


def test_postfix_by_mx(to_postfix, postfix):
    """b.mx is listed second and nobody is there: preference decides."""
    m = message()
    assert submit(to_postfix.port, "ada@client.test", "bymx@postfix.test", m) == 250
    got = postfix.wait_mail("bymx")
    assert_same(got[0], m)
    received = re.findall(rb"^Received: (?:.|\n[ \t])*", got[0], re.M)
    assert len(received) == 2 and b"mx.here.test" in received[0]
    to_postfix.wait_empty()


def test_resolve_shows_what_nsd_says(to_postfix, postfix):
    rows = to_postfix.control("resolve postfix.test")
    assert rows[0][0] == "route" and rows[0][1]["way"] == "mx"
    hosts = [(f["name"].rstrip(".").lower(), f["preference"], f["port"], f["addresses"]) for k, f in rows if k == "host"]
    assert hosts == [("a.mx.test", "10", str(postfix.port), "127.0.0.21"), ("b.mx.test", "20", str(postfix.port), "127.0.0.22")]


# Postfix's virtual(8) writes what it got; NUL is the one octet it is known to treat apart.
@pytest.mark.parametrize("name", [n for n in BODIES if n not in ("NULs", "all-octets-but-CR-LF", "10M")])
def test_postfix_gets_every_body_as_it_was(to_postfix, postfix, name):
    m = message(BODIES[name])
    user = "pf-" + name.lower()
    assert submit(to_postfix.port, "ada@client.test", f"{user}@postfix.test", m) == 250
    got = postfix.wait_mail(user)
    if name == "empty":   # Postfix's own ending of an empty body
        assert same(got[0], m) or same(got[0].rstrip(b"\n") + b"\n\n", m)
    else:
        assert_same(got[0], m)


def test_postfix_many_messages(to_postfix, postfix):
    peers.smtp_source(to_postfix.port, "-s", "8", "-m", "100", "-l", "2000", "-f", "ada@client.test", "-t", "many@postfix.test", "-M", "client.test")
    to_postfix.wait_empty(30)
    assert len(postfix.wait_mail("many", 100)) == 100


def test_postfix_several_recipients_in_one_transaction(to_postfix, postfix):
    before = postfix.log().count("client=")
    rcpts = [f"several{n}@postfix.test" for n in range(20)]
    assert submit(to_postfix.port, "ada@client.test", rcpts, message()) == 250
    for n in range(20):
        postfix.wait_mail(f"several{n}")
    assert postfix.log().count("client=") - before == 1, "20 recipients of one domain are one transaction"


def test_postfix_refuses_a_recipient(to_postfix, postfix):
    """One bad of three: two arrive, the sender is told of one."""
    assert submit(to_postfix.port, "told@here.test", ["good1@postfix.test", "x@elsewhere.postfix.test", "good2@postfix.test"], message()) == 250
    postfix.wait_mail("good1")
    postfix.wait_mail("good2")
    assert b"x@elsewhere.postfix.test" in to_postfix.wait_mail("told")[0]


# ---- smtp-sink: a peer with faults ---------------------------------------------------------

def sink_pipit(make, port, more=""):
    return make(f"route there.test 127.0.0.1:{port}\n{more}")


@pytest.mark.parametrize("options", [(), ("-p",), ("-e",), ("-8",), ("-E",), ("-N", "-F", "-C", "-a"), ("-P",), ("-H", "1"), ("-w", "1"), ("-p", "-W", "RCPT:1"),
                                     ("-T", "1024")], ids=lambda o: "".join(o) or "plain")
def test_smtp_sink(make, folder, options):
    """-p no PIPELINING, -e no ESMTP, -8 no 8BITMIME, -P a "PIX", -H -w -W slow, -T a small window."""
    with peers.SmtpSink(folder + "/sink", *options, dump=True) as s:
        p = sink_pipit(make, s.port)
        m = message(BODIES["64K"])
        assert submit(p.port, "ada@client.test", "bob@there.test", m) == 250
        p.wait_empty()
        assert_same_dump(s.messages(), m)


def assert_same_dump(dumps, m):
    assert len(dumps) == 1
    assert dumps[0].rstrip(b"\n").endswith(m.replace(b"\r\n", b"\n").rstrip(b"\n"))


STAGES = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("way", ["-q", "-Q", "-r", "-f"])
def test_smtp_sink_fault(make, folder, way, stage):
    """-q drops, -Q says 421 and drops, -r says 4xx, -f says 5xx: only 5xx is the end of it."""
    extra = ["-f", "HELO"] if (way, stage) == ("-f", "EHLO") else ["-r", "HELO"] if (way, stage) == ("-r", "EHLO") else []
    with peers.SmtpSink(folder + "/sink", way, stage, *extra) as s:
        p = sink_pipit(make, s.port)
        assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
        if way == "-f" and stage not in ("CONNECT", "EHLO"):
            bounce = p.wait_mail("sender")[0]
            assert b"message/delivery-status" in bounce and b"5.3.0" in bounce
            p.wait_empty()
        elif way == "-f":   # whether a host that refuses us altogether ends it is a policy: either, but said
            p.wait_log(r"(deferred|failed) ")
        else:
            m = p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1, why="an attempt that failed")
            assert m["rcpt_rows"][0]["state"] == "pending"
            assert not p.mail("sender")
    # The fault is over: it goes through (a host that was down is left alone for a while, so it is asked for).
    with peers.SmtpSink(folder + "/good", port=s.port) as good:
        if p.queue():
            p.control("retry all")
        p.wait_empty()
        del good


def test_smtp_sink_abort_after_data(make, folder):
    """-A: 550 in the middle of the body, and no more reading."""
    with peers.SmtpSink(folder + "/sink", "-A", "0") as s:
        p = sink_pipit(make, s.port)
        assert submit(p.port, "sender@here.test", "bob@there.test", message(BODIES["1M"])) == 250
        p.wait_log(r"(deferred|failed) ")


# ---- a server that follows a script ---------------------------------------------------------------

def attempt(make, make_sink, script, more="", m=None, rcpts="bob@there.test", sender="sender@here.test", **kw):
    s = make_sink(script, **kw)
    p = sink_pipit(make, s.port, more)
    m = m or message()
    assert submit(p.port, sender, rcpts, m) == 250
    return s, p, m


def assert_delivered(s, p, m, count=1):
    s.wait(count)
    assert_same(s.transactions[-1].data, m)
    p.wait_empty()


def test_three_turns(make, make_sink):
    """After the banner: EHLO; MAIL+RCPT+DATA; body and dot - each in one segment."""
    s, p, m = attempt(make, make_sink, {})
    assert_delivered(s, p, m)
    s.wait_idle()
    reads = s.sessions[-1].reads
    assert reads[0].startswith(b"EHLO mx.here.test\r\n")
    assert reads[1].startswith(b"MAIL FROM:") and reads[1].endswith(b"DATA\r\n")
    assert reads[2].endswith(b"\r\n.\r\n"), "body and final dot leave in one segment"
    assert s.sessions[-1].ended == "quit"
    assert len(s.sessions) == 1


def test_no_pipelining_means_one_command_at_a_time(make, make_sink):
    s, p, m = attempt(make, make_sink, {"ehlo": b"250-sink.test\r\n250 8BITMIME\r\n"})
    assert_delivered(s, p, m)
    for piece in s.sessions[-1].reads[:4]:
        assert piece.count(b"\r\n") == 1, piece


def test_helo_when_ehlo_is_unknown(make, make_sink):
    s, p, m = attempt(make, make_sink, {"ehlo": "502 5.5.1 no"})
    assert_delivered(s, p, m)
    assert b"HELO mx.here.test" in s.sessions[-1].commands
    assert s.transactions[0].params.strip() == ""


def test_size_is_declared(make, make_sink):
    s, p, m = attempt(make, make_sink, {})
    assert_delivered(s, p, m)
    size = int(re.search(r"SIZE=(\d+)", s.transactions[0].params)[1])
    assert abs(size - len(s.transactions[0].data)) < 200


def test_peer_with_a_smaller_size(make, make_sink):
    s, p, m = attempt(make, make_sink, {"ehlo": b"250-sink.test\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"}, m=message(BODIES["64K"]))
    bounce = p.wait_mail("sender")[0]
    assert b"5.3.4" in bounce
    assert not s.transactions


def test_eight_bit_to_a_peer_without_8bitmime(make, make_sink):
    """No conversion, no silent corruption: 5.6.3."""
    s, p, m = attempt(make, make_sink, {"ehlo": b"250-sink.test\r\n250 PIPELINING\r\n"}, m=message("Grüße\r\n".encode()))
    assert b"5.6.3" in p.wait_mail("sender")[0]
    assert not s.transactions


def test_eight_bit_is_detected_not_believed(make, make_sink):
    s = make_sink({"ehlo": b"250-sink.test\r\n250 PIPELINING\r\n"})
    p = sink_pipit(make, s.port)
    assert submit(p.port, "sender@here.test", "bob@there.test", message(), params=" BODY=8BITMIME") == 250
    s.wait()
    assert "BODY" not in s.transactions[0].params


def test_body_8bitmime_is_said(make, make_sink):
    s, p, m = attempt(make, make_sink, {}, m=message("Grüße\r\n".encode()))
    assert_delivered(s, p, m)
    assert "BODY=8BITMIME" in s.transactions[0].params.upper()


@pytest.mark.parametrize("name", BODIES)
def test_body_to_a_raw_next_hop(make_module, name):
    s, p = make_module
    m = message(BODIES[name])
    assert submit(p.port, "ada@client.test", "bob@there.test", m) == 250
    assert_same(s.wait_for_message(m, timeout_s=30).data, m)


@pytest.fixture(scope="module")
def make_module(root_folder):
    from pipit import Pipit
    with sink_module.Sink() as s, Pipit(os.path.join(root_folder, "raw"), f"route there.test 127.0.0.1:{s.port}\nqueue queue 64M\n"
                                        "max_message_size 30M") as p:
        yield s, p


@pytest.mark.parametrize("length", range(16300, 16420, 7))
def test_dots_at_every_boundary_outbound(make_module, length):
    s, p = make_module
    m = message(b"x" * (length - 400) + b"\r\n" + b".\r\n..\r\n.y\r\n" * 60)
    assert submit(p.port, "ada@client.test", "bob@there.test", m) == 250
    assert_same(s.wait_for_message(m).data, m)


def test_several_messages_over_one_connection(make, make_sink):
    """What waits for the same host goes over the connection that is open."""
    s = make_sink({"rcpt": "450 4.2.1 wait"})
    p = make(f"route there.test 127.0.0.1:{s.port}\nretry 1h")
    with Smtp(p.port, helo="client.test") as c:
        for n in range(40):
            c.begin_data("ada@client.test", f"bob{n}@there.test", helo=None)
            c.send(message() + b".\r\n")
            assert c.reply() == 250
    p.wait_queue(lambda m: m["rcpt_rows"][0]["to"] == "bob39@there.test" and m["rcpt_rows"][0]["attempts"] == "1")
    s.wait_idle()
    s.script["rcpt"] = "250 2.1.5 ok"
    before = len(s.sessions)
    p.control("retry all")
    s.wait(40)
    p.wait_empty()
    assert len(s.sessions) - before <= 20, "forty messages that wait for one host go over ten connections, or a few more"
    assert s.open_most <= 10


SOFT = {
    "banner-421": {"banner": ["421 4.3.2 not now", "220 sink.test ESMTP"]},
    "banner-450": {"banner": [Then("450 4.3.2 not now", DROP), "220 sink.test ESMTP"]},
    "banner-drop": {"banner": [DROP, "220 sink.test ESMTP"]},
    "banner-reset": {"banner": [RESET, "220 sink.test ESMTP"]},
    "banner-half": {"banner": [Then(b"220-sink", DROP), "220 sink.test ESMTP"]},
    "banner-not-smtp": {"banner": [Then(b"HTTP/1.1 400 Bad Request\r\n\r\n", DROP), "220 sink.test ESMTP"]},
    "banner-SSH": {"banner": [Then(b"SSH-2.0-OpenSSH_9.2\r\n", DROP), "220 sink.test ESMTP"]},
    "ehlo-421": {"ehlo": [Then("421 4.3.2 later", DROP), sink_module.DEFAULTS["ehlo"]]},
    "ehlo-drop": {"ehlo": [DROP, sink_module.DEFAULTS["ehlo"]]},
    "ehlo-half": {"ehlo": [Then(b"250-sink.test\r\n250-PIPEL", DROP), sink_module.DEFAULTS["ehlo"]]},
    "mail-450": {"mail": ["450 4.7.1 greylisted", "250 ok"]},
    "mail-421": {"mail": [Then("421 4.3.2 later", DROP), "250 ok"]},
    "mail-drop": {"mail": [DROP, "250 ok"]},
    "rcpt-450": {"rcpt": ["450 4.2.0 greylisted", "250 ok"]},
    "rcpt-451": {"rcpt": ["451 4.7.1 greylisted", "250 ok"]},
    "rcpt-452": {"rcpt": ["452 4.2.2 mailbox full", "250 ok"]},
    "rcpt-421": {"rcpt": [Then("421 4.3.2 later", DROP), "250 ok"]},
    "rcpt-drop": {"rcpt": [DROP, "250 ok"]},
    "data-451": {"data": ["451 4.3.0 no", "354 ok"]},
    "data-drop": {"data": [DROP, "354 ok"]},
    "data-250": {"data": [Then("250 what", DROP), "354 ok"]},
    "dot-450": {"dot": ["450 4.3.0 later", "250 ok"]},
    "dot-421": {"dot": [Then("421 4.3.2 later", DROP), "250 ok"]},
    "dot-drop": {"dot": [DROP, "250 ok"]},
    "dot-reset": {"dot": [RESET, "250 ok"]},
    "dot-half": {"dot": [Then(b"25", DROP), "250 ok"]},
    "dot-half-line": {"dot": [Then(b"250 ok but no end", DROP), "250 ok"]},
    "rcpt-bare": {"rcpt": [Then(b"\r\n", DROP), "250 ok"]},
    "rcpt-nonsense": {"rcpt": [Then(b"hello there\r\n", DROP), "250 ok"]},
    "rcpt-code-999": {"rcpt": [Then(b"999 what\r\n", DROP), "250 ok"]},
    "rcpt-code-000": {"rcpt": [Then(b"000 what\r\n", DROP), "250 ok"]},
    "rcpt-code-2500": {"rcpt": [Then(b"2500 what\r\n", DROP), "250 ok"]},
    "rcpt-150": {"rcpt": [Then(b"150 what\r\n", DROP), "250 ok"]},
    "mail-binary": {"mail": [Then(bytes(range(256)) + b"\r\n", DROP), "250 ok"]},
}


@pytest.mark.parametrize("name", SOFT)
def test_misbehaving_once(make, make_sink, name):
    """Anything but a clear 5xx: the message is kept and goes at a later attempt, once, and nobody is told."""
    s, p, m = attempt(make, make_sink, SOFT[name])
    if name.startswith("banner") or name.startswith("ehlo"):
        s.wait_sessions()
        p.wait_log(r"(deferred|connect_failed|lost)", 10)
        p.control("retry all")
    assert_delivered(s, p, m)
    assert len(s.transactions) == 1
    assert not p.mail("sender")


HARD = {
    "mail-550": ({"mail": "550 5.7.1 not you"}, b"5.7.1"),
    "mail-553": ({"mail": "553 no enhanced code"}, b"5."),
    "rcpt-550": ({"rcpt": "550 5.1.1 nobody"}, b"5.1.1"),
    "rcpt-551": ({"rcpt": "551 5.1.6 moved"}, b"5.1.6"),
    "rcpt-556": ({"rcpt": "556 5.1.10 null"}, b"5.1.10"),
    "data-554": ({"data": "554 5.6.0 no"}, b"5.6.0"),
    "dot-550": ({"dot": "550 5.7.1 spam"}, b"5.7.1"),
    "dot-552": ({"dot": "552 5.3.4 big"}, b"5.3.4"),
    "rcpt-multiline": ({"rcpt": b"550-5.1.1 one\r\n550-5.1.1 two\r\n550 5.1.1 three\r\n"}, b"5.1.1"),
    "rcpt-code-only": ({"rcpt": b"550\r\n"}, b"Status: 5."),
    "rcpt-LF-only": ({"rcpt": b"550 5.1.1 bare LF\n"}, b"5."),
}


@pytest.mark.parametrize("name", HARD)
def test_refused_for_good(make, make_sink, name):
    script, words = HARD[name]
    s, p, m = attempt(make, make_sink, script)
    bounce = p.wait_mail("sender")[0]
    assert words in bounce
    p.wait_empty()
    assert len([c for c in s.sessions[0].commands if c.startswith(b"MAIL")]) == 1, "it was tried again"


GOOD = {
    "multi-line-banner": {"banner": b"220-hello\r\n220-this is\r\n220 sink.test ESMTP\r\n"},
    "thousands-of-banner-lines": {"banner": b"220-line\r\n" * 900 + b"220 sink.test\r\n"},
    "code-only-everywhere": {"banner": b"220\r\n", "ehlo": b"250\r\n", "mail": b"250\r\n", "rcpt": b"250\r\n", "data": b"354\r\n", "dot": b"250\r\n", "quit": b"221\r\n"},
    "multi-line-everywhere": {k: (v[:3] + "-first\r\n" + v[:3] + "-\r\n" + v[:3] + " last\r\n").encode()
                              for k, v in (("mail", "250"), ("rcpt", "250"), ("data", "354"), ("dot", "250"))},
    "octet-by-octet": {k: Slowly(v, 0.001) for k, v in (("banner", "220 sink.test ESMTP"), ("mail", "250 2.1.0 ok"), ("rcpt", "250 ok"), ("data", "354 ok"), ("dot", "250 ok"))},
    "251": {"rcpt": "251 will forward"},
    "252-like": {"rcpt": "252 cannot verify"},
    "dot-251": {"dot": "251 ok"},
    "long-lines": {"ehlo": b"250-sink.test " + b"x" * 1500 + b"\r\n250 PIPELINING\r\n"},
    "long-reply": {"dot": b"250 " + b"y" * 500 + b"\r\n"},
    "ansi-reply": {"rcpt": b"250 \x1b[31mred\x1b[0m \x07\x00\x9b\r\n"},
    "unknown-extensions": {"ehlo": b"250-sink.test\r\n" + b"".join(b"250-X%d some words = 1\r\n" % n for n in range(100)) + b"250 PIPELINING\r\n"},
    "lower-case-extensions": {"ehlo": b"250-sink.test\r\n250-pipelining\r\n250-size 0\r\n250 8bitmime\r\n"},
    "quit-hang": {"quit": HANG},
    "quit-drop": {"quit": DROP},
    "quit-500": {"quit": "500 no"},
    "quit-junk": {"quit": bytes(range(1, 200)) + b"\r\n"},
    "slow": {"banner": Wait(0.4, "220 sink.test"), "mail": Wait(0.4, "250 ok"), "dot": Wait(0.6, "250 ok")},
}


@pytest.mark.parametrize("name", GOOD)
def test_odd_but_good(make, make_sink, name):
    s, p, m = attempt(make, make_sink, GOOD[name])
    assert_delivered(s, p, m)
    assert len(s.transactions) == 1
    assert not p.mail("sender")


def test_partly_refused_partly_deferred(make, make_sink):
    """Each recipient has its own fate, in one transaction."""
    def rcpt(session, line):
        if b"never@" in line:
            return "550 5.1.1 never"
        if b"later@" in line:
            return "450 4.2.1 later" if session.number == 0 else "250 ok"
        return "250 ok"
    s, p, m = attempt(make, make_sink, {"rcpt": rcpt}, rcpts=["now@there.test", "never@there.test", "later@there.test", "now2@there.test"])
    s.wait(2)
    assert s.transactions[0].rcpts == ["now@there.test", "now2@there.test"]
    assert s.transactions[1].rcpts == ["later@there.test"]
    bounce = p.wait_mail("sender")[0]
    assert b"never@there.test" in bounce and b"later@there.test" not in bounce and b"rfc822; now@there.test" not in bounce
    p.wait_empty()


def test_all_recipients_refused_sends_no_body(make, make_sink):
    s = make_sink({"rcpt": "550 5.1.1 nobody"})
    s.takes_anything = True
    p = sink_pipit(make, s.port)
    assert submit(p.port, "sender@here.test", ["x@there.test", "y@there.test"], message()) == 250
    p.wait_mail("sender")
    p.wait_empty()
    assert not s.transactions or s.transactions[0].raw == b".\r\n", "a body went to nobody"


def test_more_recipients_than_the_peer_takes(make, make_sink):
    """452 4.5.3: the rest goes in a transaction of its own."""
    def rcpt(session, line):
        return "250 ok" if len(session.rcpts) < 10 else "452 4.5.3 too many recipients"
    rcpts = [f"r{n}@there.test" for n in range(35)]
    s, p, m = attempt(make, make_sink, {"rcpt": rcpt}, rcpts=rcpts)
    p.wait_empty(20)
    assert sorted(r for t in s.transactions for r in t.rcpts) == sorted(rcpts)
    assert not p.mail("sender")


def test_lost_after_the_dot_may_be_sent_twice_never_lost(make, make_sink):
    """RFC 1047: the peer had it and we did not hear so."""
    s, p, m = attempt(make, make_sink, {"dot": [lambda session, raw: DROP, "250 ok"]})
    assert_delivered(s, p, m)
    p.wait_log("doubtful")


def test_next_hop_down_then_up(make, make_sink):
    s = make_sink()
    p = sink_pipit(make, s.port)
    s.close()
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    s.reopen()
    p.control("retry all")
    s.wait()
    p.wait_empty()
    assert not p.mail("sender")


def test_dead_hop_does_not_hold_up_others(make, make_sink):
    dead, good = make_sink({"banner": HANG}, address="127.0.0.41"), make_sink()
    p = make(f"route dead.test 127.0.0.41:{dead.port}\nroute there.test 127.0.0.1:{good.port}")
    for n in range(60):
        assert submit(p.port, "ada@client.test", f"x{n}@dead.test", message()) == 250
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    good.wait(timeout_s=5)
    assert dead.open_most <= 10


def test_null_sender_goes_out_as_such(make, make_sink):
    s, p, m = attempt(make, make_sink, {}, sender="")
    assert_delivered(s, p, m)
    assert s.transactions[0].sender == ""


def test_quoted_local_part_goes_out_as_it_came(make, make_sink):
    s, p, m = attempt(make, make_sink, {}, rcpts='"a b\\"c"@there.test')
    assert_delivered(s, p, m)
    assert s.transactions[0].rcpts == ['"a b\\"c"@there.test']


def test_address_literal(make):
    """Of another host: there; of this machine, or a loopback address: here, or it would go round."""
    p = make("retry 1h\nmx_port 9")
    assert [f["way"] for k, f in p.control("resolve [192.0.2.1]") if k == "route"] == ["literal"]
    assert submit(p.port, "ada@client.test", "bob@[127.0.0.3]", message()) == 250
    assert submit(p.port, "ada@client.test", "eve@[IPv6:::1]", message()) == 250
    p.wait_mail("bob")
    p.wait_mail("eve")


def test_masquerade(make, make_sink):
    s = make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}\nmasquerade example.test")
    assert submit(p.port, "root@mx.here.test", "bob@there.test", message(sender="root@mx.here.test")) == 250
    s.wait()
    assert s.transactions[0].sender == "root@example.test"
    assert b"\r\nFrom: root@example.test\r\n" in s.transactions[0].data


def test_reply_thousands_of_lines(make, make_sink):
    """More lines than any server has a reason for: an error, bounded, and tried again later."""
    s, p, m = attempt(make, make_sink, {"mail": [Then(b"250-more\r\n" * 50_000 + b"250 end\r\n", DROP), "250 ok"]})
    s.wait_sessions()
    p.wait_log("(deferred|delivered)")
    p.control("retry all")
    s.wait()
    p.wait_empty()


def test_reply_without_end(make, make_sink):
    """Megabytes without a line end do not fill any memory."""
    s, p, m = attempt(make, make_sink, {"mail": [Then(b"250 " + b"x" * 3_000_000, DROP), "250 ok"]})
    s.wait_sessions()
    p.wait_log("deferred")
    p.control("retry all")
    s.wait()
    p.wait_empty()


def test_dash_mismatch(make, make_sink):
    """Codes differ within one reply: not SMTP, never half believed."""
    s, p, m = attempt(make, make_sink, {"rcpt": [Then(b"250-ok\r\n550 no\r\n", DROP), "250 ok"]})
    s.wait_sessions()
    p.wait_log("deferred|delivered|failed")
    if p.queue():
        p.control("retry all")
    p.wait_empty()


def test_reply_before_it_was_asked_for(make, make_sink):
    """A server that talks ahead: replies sent before their commands are no replies to them."""
    early = b"220 sink.test\r\n250-sink.test\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"
    s, p, m = attempt(make, make_sink, {"banner": [Then(early, HANG), "220 sink.test"]})
    s.wait_sessions()
    s.close()
    s.reopen()
    p.wait_log("deferred|delivered")
    log = p.log()
    assert "delivered" not in log, "a message that nobody read was called delivered"


def test_route_and_mx_and_smarthost_are_told_apart(make, make_sink, make_dns):
    by_route, by_smarthost = make_sink(), make_sink()
    p = make(f"route there.test 127.0.0.1:{by_route.port}\nroute *.there.test 127.0.0.1:{by_route.port}\n"
             f"smarthost 127.0.0.1:{by_smarthost.port} tls=none")
    for to in ("a@there.test", "b@sub.there.test", "c@else.test"):
        assert submit(p.port, "ada@client.test", to, message()) == 250
    by_route.wait(2)
    by_smarthost.wait(1)
    assert sorted(t.rcpts[0] for t in by_route.transactions) == ["a@there.test", "b@sub.there.test"]
    assert by_smarthost.transactions[0].rcpts == ["c@else.test"]


def test_route_to_a_name(make, make_sink, make_dns):
    s = make_sink(address="127.0.0.3")
    dns = make_dns({"mx.internal.test": [a("127.0.0.3"), mx(10, "wrong.test")]})
    p = make(f"route there.test mx.internal.test:{s.port}\n{dns.conf}")
    assert submit(p.port, "ada@client.test", "bob@there.test", message()) == 250
    s.wait()


def test_smarthost_failover_and_return(make, make_sink):
    first, second = make_sink(), make_sink()
    p = make(f"smarthost 127.0.0.1:{first.port} tls=none\nsmarthost 127.0.0.1:{second.port} tls=none")
    assert submit(p.port, "ada@client.test", "a@x.test", message()) == 250
    first.wait()
    first.close()
    assert submit(p.port, "ada@client.test", "b@x.test", message()) == 250
    second.wait()
    p.wait_empty()
    first.reopen()
    assert submit(p.port, "ada@client.test", "c@x.test", message()) == 250
    p.wait_empty(40)
    assert len(first.transactions) + len(second.transactions) == 3
    assert not p.mail("ada")


def test_smarthost_that_says_421_or_drops_is_followed_by_the_next(make, make_sink):
    first, second = make_sink({"banner": Then("421 4.3.2 closing", DROP)}), make_sink()
    p = make(f"smarthost 127.0.0.1:{first.port} tls=none\nsmarthost 127.0.0.1:{second.port} tls=none")
    assert submit(p.port, "ada@client.test", "a@x.test", message()) == 250
    second.wait()


def test_connections_to_one_host_are_bounded(make, make_sink):
    s = make_sink({"dot": Wait(0.1, "250 ok")})
    p = make(f"route * 127.0.0.1:{s.port}")
    peers.smtp_source(p.port, "-s", "10", "-m", "100", "-f", "ada@client.test", "-t", "x@there.test", "-M", "client.test")
    s.wait(100, timeout_s=30)
    assert 1 < s.open_most <= 12   # ten of ours, and some whose end has not been seen yet
    p.wait_empty()
