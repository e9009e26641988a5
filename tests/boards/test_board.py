# SPDX-License-Identifier: BSD-2-Clause
"""What a board does when something of its own goes wrong."""

import os

import pytest
from board import CONF, LM3S, RISCV


def test_it_says_how_it_is(board):
    board.start()
    figures = board.figures()
    assert 0 < figures["stack_most"] < figures["stack"]
    assert figures["network"] == "ready" and figures["address"] == "10.0.2.15"
    rows = board.ask("status")
    assert rows[-1] == "ok" and any(row.startswith("value name=queue_messages value=0") for row in rows)


def test_a_panic_is_told_after_the_reset(board):
    board.start()
    board.say("board panic")
    board.wait_said("the last run ended in a panic: asked for on the console:1", 10)
    board.wait_said("lease network=ready", 20, count=2)
    board.say("board reset")
    board.wait_said("lease network=ready", 20, count=3)
    assert len(board.wait_said("ended in a panic")) == 1   # told once


def test_a_stack_over_its_guard_is_noticed(board):
    board.start()
    board.say("board overflow")
    board.wait_said("panic: the stack has grown over its guard", 10)


def test_the_watchdog_resets_a_loop_that_stands_still(make):
    board = make(LM3S).start()
    board.say("board hang")
    board.wait_said("lease network=ready", 20, count=2)


def test_flash_of_something_else_is_not_touched(board):
    board.start()
    board.kill()
    path = os.path.join(board.folder, "flash.bin")
    with open(path, "r+b") as flash:
        size = flash.seek(0, 2)
        flash.seek(0)
        flash.write((b"photographs" * (size // 11 + 1))[:size])
    with open(path, "rb") as flash:
        before = flash.read(4096)
    board.start(wait=False)
    board.wait_said("not started", 20)
    assert "ok" in board.ask("board status")   # the console is there
    with open(path, "rb") as flash:
        assert flash.read(4096) == before and flash.seek(0, 2) == size


@pytest.mark.parametrize("lines", ["nonsense yes\n", "listen 1.2.3.4:99999\n"])
def test_a_bad_configuration_is_told(board, lines):
    board.start(lines, wait=False)
    board.wait_said("not started", 20)


def test_a_configuration_set_on_the_console(make):
    board = make(LM3S).start()
    assert board.ask("board config") == ["ok"]
    for line in CONF.replace("sensor.test\n", "kept.test\n", 1).splitlines():
        assert board.ask("board config add " + line) == ["ok"]
    assert board.ask("board config save") == ["ok"]
    board.kill()
    board.start()
    with board.smtp() as s:
        assert s.ehlo()[1].startswith(b"kept.test")
    assert board.ask("board config")[0] == "hostname     kept.test"

    board.ask("board config clear")
    board.ask("board config add nonsense yes")
    assert board.ask("board config save") == ["ok"]
    board.kill()
    board.start()   # with the one that run.sh loads
    board.wait_said("is kept is refused: ")
    with board.smtp() as s:
        assert s.ehlo()[1].startswith(b"sensor.test")
    assert board.ask("board config forget") == ["ok"]
    assert board.ask("board config") == ["ok"]


def test_a_board_without_a_place_for_it_says_so(make):
    board = make(RISCV).start()
    assert board.ask("board config save") == ["error this board has no flash for its configuration"]
