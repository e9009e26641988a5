#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads a report from standard input with Python's email package; exit 1 when it is not as said.

  dsn_read.py failed|delayed    what test_dsn.c's report of three recipients should be
"""
import email
import email.policy
import email.utils
import sys


def main():
    action = sys.argv[1]
    message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
    parts = list(message.iter_parts())
    human, status, original = parts
    assert not message.defects and not any(part.defects for part in parts)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["To"].addresses[0].addr_spec == "ada@x.test"
    assert message["From"].addresses[0].addr_spec == "MAILER-DAEMON@gw.test"
    assert message["Auto-Submitted"] == "auto-replied"
    assert email.utils.parsedate_to_datetime(message["Date"]).timestamp() == 1795552976
    assert message["Message-ID"].endswith("@gw.test>")

    assert human.get_content_type() == "text/plain"
    for text in ("<bob@y.test>", "mail server said:", "550 5.1.1 no such user", "<staff@x.test>"):
        assert text in human.get_content(), text

    assert status.get_content_type() == "message/delivery-status"
    groups = status.get_payload()
    assert len(groups) == 4, groups
    assert groups[0]["Reporting-MTA"] == "dns; gw.test"
    rcpts = [(g["Final-Recipient"], g["Action"], g["Status"]) for g in groups[1:]]
    assert rcpts == [
        ("rfc822; bob@y.test", action, "5.1.1"),
        ("rfc822; eve@z.test", action, "4.4.7"),
        ('rfc822; "a b"@z.test', action, "5.0.0" if action == "failed" else "4.0.0")], rcpts
    assert groups[2]["Original-Recipient"] == "rfc822; staff@x.test"
    assert bool(groups[1]["Will-Retry-Until"]) == (action == "delayed")

    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_payload() == "From: ada@x.test\r\nSubject: hello\r\n".replace("\r\n", "\n") \
        or original.get_payload() == "From: ada@x.test\r\nSubject: hello\r\n"


main()
