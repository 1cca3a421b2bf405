"""Runs a program on a terminal of its own (pty), and types what a holder would: the answers by the end of each question, and the PIN on its keypad.

Usage: a_holder_types_on_a_terminal.py PIN CODE AGREEMENT PROGRAM [ARGUMENT ...]
Prints all that the terminal showed. Its exit code is the program's.
"""

import os
import pty
import re
import sys

pin, code, agreement, *program = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program[0], program)

shown = b""
answered = 0
while True:
    try:
        read = os.read(terminal, 4096)
    except OSError:  # The other side is gone.
        break
    if not read:
        break
    shown += read
    fresh = shown[answered:].decode("utf-8", "replace")
    if fresh.endswith("Activation code: "):
        typed = code
    elif fresh.endswith("Type yes to agree: "):
        typed = agreement
    elif fresh.endswith("letters of this keypad: "):
        keypad = dict((digit, letter) for letter, digit in re.findall(r"([a-j])=(\d)", fresh))
        typed = "".join(keypad[digit] for digit in pin)
    else:
        continue
    answered = len(shown)
    os.write(terminal, typed.encode() + b"\n")

_, status = os.waitpid(child, 0)
sys.stdout.write(shown.decode("utf-8", "replace").replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(status))
