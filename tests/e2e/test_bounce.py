# SPDX-License-Identifier: BSD-2-Clause
"""What the sender hears: failures, delays, and what nobody hears."""

import email
import email.utils
import re
import time

import pytest

from sink import DROP, HANG, Then
from smtp import message, message_id, submit


def bounce_parts(raw):
    """Checks RFC 6522 and RFC 3464 by the letter; (report, per-message fields, [per-recipient fields], original's header)."""
    report = email.message_from_bytes(raw)
    assert not report.defects, report.defects
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    for field in ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version", "Auto-Submitted"):
        assert report[field], f"no {field}"
    assert report["Auto-Submitted"].startswith("auto-")
    assert report["Return-Path"] == "<>"
    assert email.utils.parsedate_to_datetime(report["Date"])
    human, status, original = report.get_payload()
    assert human.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    assert original.get_content_type() == "text/rfc822-headers"
    blocks = status.get_payload()
    per_message, per_rcpt = blocks[0], [b for b in blocks[1:] if len(b)]
    assert per_message["Reporting-MTA"] == "dns; mx.here.test"
    for block in per_rcpt:
        assert block["Final-Recipient"].startswith("rfc822;")
        assert block["Action"] in ("failed", "delayed")
        assert re.fullmatch(r"[45]\.\d{1,3}\.\d{1,3}", block["Status"].split()[0])
        assert (block["Status"][0] == "5") == (block["Action"] == "failed") or block["Action"] == "failed"
    raw.decode("ascii")   # a report is 7-bit throughout
    assert all(len(line) <= 998 for line in raw.split(b"\n"))
    return report, human.get_payload(), per_message, per_rcpt, email.message_from_string(original.get_payload())


def refusing(make, make_sink, script, more="", **kw):
    s = make_sink(script)
    return s, make(f"route there.test 127.0.0.1:{s.port}\n{more}", **kw)


def test_failure_report(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "550 5.1.1 no such user here"})
    m = message(subject="a question")
    assert submit(p.port, "sender@here.test", "bob@there.test", m) == 250
    report, human, per_message, per_rcpt, original = bounce_parts(p.wait_mail("sender")[0])
    assert "bob@there.test" in human and "550 5.1.1 no such user here" in human
    assert report["To"].strip("<>") == "sender@here.test"
    assert email.utils.parseaddr(report["From"])[1].lower() == "mailer-daemon@mx.here.test"
    assert len(per_rcpt) == 1
    assert per_rcpt[0]["Final-Recipient"] == "rfc822; bob@there.test" or per_rcpt[0]["Final-Recipient"] == "rfc822;bob@there.test"
    assert per_rcpt[0]["Action"] == "failed" and per_rcpt[0]["Status"] == "5.1.1"
    assert "550 5.1.1 no such user here" in per_rcpt[0]["Diagnostic-Code"] and per_rcpt[0]["Diagnostic-Code"].startswith("smtp;")
    assert original["Subject"] == "a question" and original["Message-ID"] == message_id(m).decode()
    p.wait_empty()
    assert len(p.mail("sender")) == 1


def test_several_failures_are_one_report(make, make_sink):
    def rcpt(session, line):
        return "550 5.1.1 nobody" if b"bad" in line else "250 ok"
    s, p = refusing(make, make_sink, {"rcpt": rcpt})
    rcpts = [f"bad{n}@there.test" if n % 3 == 0 else f"good{n}@there.test" for n in range(30)]
    assert submit(p.port, "sender@here.test", rcpts, message()) == 250
    s.wait()
    p.wait_empty()
    raw, = p.mail("sender")
    _, _, _, per_rcpt, _ = bounce_parts(raw)
    assert sorted(b["Final-Recipient"].split(";")[1].strip() for b in per_rcpt) == sorted(r for r in rcpts if "bad" in r)
    assert sorted(s.transactions[0].rcpts) == sorted(r for r in rcpts if "good" in r)


def test_later_failure_is_a_second_report_of_it_alone(make, make_sink):
    def rcpt(session, line):
        if b"first" in line:
            return "550 5.1.1 nobody"
        if b"second" in line:
            return "450 4.2.1 wait" if session.number == 0 else "550 5.2.1 disabled"
        return "250 ok"
    s, p = refusing(make, make_sink, {"rcpt": rcpt})
    assert submit(p.port, "sender@here.test", ["first@there.test", "second@there.test"], message()) == 250
    p.wait_empty()
    told = [b["Final-Recipient"].split(";")[1].strip() for raw in p.mail("sender") for b in bounce_parts(raw)[3]]
    assert sorted(told) == ["first@there.test", "second@there.test"]


def test_report_goes_out_to_a_remote_sender(make, make_sink):
    s, back = make_sink({"rcpt": "550 5.1.1 nobody"}), make_sink()
    p = make(f"route there.test 127.0.0.1:{s.port}\nroute back.test 127.0.0.1:{back.port}")
    assert submit(p.port, "sender@back.test", "bob@there.test", message()) == 250
    back.wait()
    assert back.transactions[0].sender == "" and back.transactions[0].rcpts == ["sender@back.test"]
    raw = b"Return-Path: <>\n" + back.transactions[0].data.replace(b"\r\n", b"\n")
    bounce_parts(raw)
    p.wait_empty()


def test_report_is_the_same_octets_at_each_attempt(make, make_sink):
    bodies = []

    def dot(session, raw):
        bodies.append(raw)
        return "451 4.3.0 again" if len(bodies) < 3 else "250 ok"
    s, back = make_sink({"rcpt": "550 5.1.1 nobody"}), make_sink({"dot": dot})
    p = make(f"route there.test 127.0.0.1:{s.port}\nroute back.test 127.0.0.1:{back.port}")
    assert submit(p.port, "sender@back.test", "bob@there.test", message()) == 250
    back.wait(timeout_s=15)
    assert len(bodies) == 3 and bodies[0] == bodies[1] == bodies[2]
    p.wait_empty()


def test_null_sender_never_bounces(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "550 5.1.1 nobody"})
    assert submit(p.port, "", "bob@there.test", message()) == 250
    p.wait_empty()
    assert p.counters().get("reports_dropped", 1) >= 1
    time.sleep(0.3)
    assert not p.queue()


def test_null_sender_failure_goes_to_the_postmaster_once(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "550 5.1.1 nobody"}, "postmaster boss@here.test")
    assert submit(p.port, "", "bob@there.test", message()) == 250
    raw = p.wait_mail("boss")[0]
    bounce_parts(raw)
    p.wait_empty()
    assert len(p.mail("boss")) == 1


def test_report_that_cannot_be_delivered_ends(make, make_sink):
    """The sender's own host refuses: to the postmaster, or dropped; never a third message."""
    s, back = make_sink({"rcpt": "550 5.1.1 nobody"}), make_sink({"rcpt": "550 5.1.1 nor here"})
    p = make(f"route there.test 127.0.0.1:{s.port}\nroute back.test 127.0.0.1:{back.port}\npostmaster boss@here.test")
    assert submit(p.port, "sender@back.test", "bob@there.test", message()) == 250
    p.wait_empty()
    assert len(p.mail("boss")) <= 1
    sessions = len(back.sessions)
    time.sleep(1.5)
    assert len(back.sessions) == sessions


def test_postmaster_that_fails_too_ends(make, make_sink):
    s = make_sink({"rcpt": "550 5.1.1 nobody"})
    p = make(f"route * 127.0.0.1:{s.port}\npostmaster boss@far.test")
    assert submit(p.port, "", "bob@there.test", message()) == 250
    p.wait_empty()
    n = len(s.sessions)
    time.sleep(1.5)
    assert len(s.sessions) == n <= 3


def test_delay_warning_once(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "450 4.2.1 wait"}, "warn_delay 2s\nexpire 1h")
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    raw = p.wait_mail("sender", timeout_s=12)[0]
    report, human, per_message, per_rcpt, _ = bounce_parts(raw)
    assert per_rcpt[0]["Action"] == "delayed" and per_rcpt[0]["Status"].startswith("4.")
    assert per_rcpt[0]["Will-Retry-Until"]
    time.sleep(4)
    assert len(p.mail("sender")) == 1, "one warning is enough"
    m, = p.queue()
    assert m["rcpt_rows"][0]["state"] == "pending"
    s.script["rcpt"] = "250 ok"
    s.wait()
    p.wait_empty()
    assert len(p.mail("sender")) == 1


def test_no_delay_warning_for_the_null_sender(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "450 4.2.1 wait"}, "warn_delay 1s\nexpire 1h\npostmaster boss@here.test")
    assert submit(p.port, "", "bob@there.test", message()) == 250
    time.sleep(4)
    assert not p.mail("boss")
    assert p.queue()


def test_expiry(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "450 4.2.1 wait for ever"}, "expire 4s\nwarn_delay 0")
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    _, human, _, per_rcpt, _ = bounce_parts(p.wait_mail("sender", timeout_s=20)[0])
    assert per_rcpt[0]["Action"] == "failed"
    assert "wait for ever" in human + per_rcpt[0].as_string(), "the last reply is what the sender needs to know"
    p.wait_empty()
    assert len(s.sessions) >= 2


def test_expiry_of_an_unreachable_host(make):
    p = make("route there.test 127.0.0.1:9\nexpire 3s\nwarn_delay 0")
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    _, _, _, per_rcpt, _ = bounce_parts(p.wait_mail("sender", timeout_s=40)[0])
    assert per_rcpt[0]["Action"] == "failed" and re.match(r"[45]\.4\.[1247]", per_rcpt[0]["Status"])
    p.wait_empty()


def test_loop_between_two_ends_at_50_received(make):
    one, two = make(start=False, name="one"), make(start=False, name="two")
    one.write_config(f"route loop.test 127.0.0.1:{two.port}\nhostname one.test\nqueue queue 8M")
    two.write_config(f"route loop.test 127.0.0.1:{one.port}\nroute here.test 127.0.0.1:{one.port}\nhostname two.test\nlocal_domain two.test\n"
                     "deliver *@two.test maildir mail/%u\nqueue queue 8M")
    one.start()
    two.start()
    assert submit(one.port, "sender@here.test", "bob@loop.test", message()) == 250
    raw = one.wait_mail("sender", timeout_s=30)[0]
    assert b"5.4.6" in raw
    one.wait_empty()
    two.wait_empty()
    assert len(one.mail("sender")) == 1
    received = raw.count(b"\nReceived: ")
    assert 45 <= received <= 55, "the original's header says how far it came"


def test_received_fields_from_outside_are_counted(make):
    p = make()
    ok = message(extra="".join(f"Received: from h{n} by h{n + 1}; Tue, 24 Nov 2026 20:00:00 +0000\r\n" for n in range(45)))
    bad = message(extra="".join(f"received: from h{n}\r\n by h{n + 1}; Tue, 24 Nov 2026 20:00:00 +0000\r\n" for n in range(60)))
    assert submit(p.port, "sender@here.test", "bob@here.test", ok) == 250
    assert submit(p.port, "sender@here.test", "bob@here.test", bad) == "554 5.4.6"


def test_hostile_reply_in_a_report(make, make_sink):
    """What a peer says is quoted, and cannot start a field, a part or a terminal's escape."""
    text = b"550 5.1.1 no\x1b[2J\x07 \"--=_boundary\" Status: 2.0.0\x00\xff\xfe end\r\n"
    s, p = refusing(make, make_sink, {"rcpt": text})
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    raw = p.wait_mail("sender")[0]
    bounce_parts(raw)
    assert not set(raw) & (set(range(32)) - {9, 10})


def test_long_multi_line_reply_in_a_report(make, make_sink):
    """CVE-2020-8794: the reply's text ends where it ends."""
    s, p = refusing(make, make_sink, {"rcpt": b"".join(b"550-5.1.1 line %d %s\r\n" % (n, b"x" * 400) for n in range(50)) + b"550 5.1.1 end\r\n"})
    assert submit(p.port, "sender@here.test", "bob@there.test", message()) == 250
    _, _, _, per_rcpt, _ = bounce_parts(p.wait_mail("sender")[0])
    assert per_rcpt[0]["Status"] == "5.1.1"


def test_report_of_a_message_with_a_huge_header(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "550 5.1.1 nobody"})
    m = message(extra="".join(f"X-{n}: {'y' * 900}\r\n" for n in range(300)))
    assert submit(p.port, "sender@here.test", "bob@there.test", m) == 250
    bounce_parts(p.wait_mail("sender")[0])


def test_report_of_8_bit_header(make, make_sink):
    s, p = refusing(make, make_sink, {"rcpt": "550 5.1.1 nobody"})
    assert submit(p.port, "sender@here.test", "bob@there.test", message(subject="Grüße")) == 250
    bounce_parts(p.wait_mail("sender")[0])


def test_report_survives_a_restart(make, make_sink):
    """The failure is on flash before anybody is told of it; a restart does not tell it twice."""
    s = make_sink({"rcpt": "550 5.1.1 nobody"})
    back = make_sink({"rcpt": "450 4.2.1 wait"})
    p = make(f"route there.test 127.0.0.1:{s.port}\nroute back.test 127.0.0.1:{back.port}")
    assert submit(p.port, "sender@back.test", "bob@there.test", message()) == 250
    back.wait_sessions()
    p.kill()
    back.script["rcpt"] = "250 ok"
    p.start()
    back.wait(timeout_s=15)
    p.wait_empty()
    assert len(back.transactions) == 1 and len(s.sessions) == 1


def test_original_recipient_of_an_alias(make, make_sink):
    s = make_sink({"rcpt": "550 5.1.1 nobody"})
    p = make(f"route there.test 127.0.0.1:{s.port}\nalias out bob@there.test")
    assert submit(p.port, "sender@here.test", "out@here.test", message()) == 250
    raw = p.wait_mail("sender")[0]
    _, _, _, per_rcpt, _ = bounce_parts(raw)
    assert per_rcpt[0]["Final-Recipient"].endswith("bob@there.test")
    assert "out@here.test" in (per_rcpt[0]["Original-Recipient"] or "") or b"out@here.test" in raw
