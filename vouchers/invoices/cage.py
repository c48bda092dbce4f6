"""What a process that reads strangers' files may no longer do: use a network, start a program, write a file.

A seccomp filter, installed by the child itself after it has loaded all it needs. It answers EPERM, so that an
honest library that tries goes on without. Where the kernel knows no seccomp the other limits stand alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_LOAD, _EQUAL, _ANY_BIT, _RETURN, _AT_LEAST = 0x20, 0x15, 0x45, 0x06, 0x35
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
# Offsets in the kernel's seccomp_data: the call, the architecture, and the low word of each argument.
_CALL, _MACHINE, _ARGUMENTS = 0, 4, 16
_CLONE_THREAD = 0x10000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# By machine: its mark; calls refused; calls that glibc replaces by older ones when they are missing; `open` and
# `clone` with the number of the argument that decides.
_MACHINES: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...], int]] = {
    "x86_64": (
        0xC000003E,
        # socket connect accept bind listen socketpair accept4, fork vfork execve execveat kill, ptrace and
        # process_vm_*, truncate rename mkdir rmdir creat link unlink symlink chmod chown mknod and their *at,
        # mount unshare setns, keys, perf, bpf, userfaultfd, io_uring, pidfd_*
        (41, 42, 43, 49, 50, 53, 288, 57, 58, 59, 322, 62, 101, 310, 311, 76, 82, 83, 84, 85, 86, 87, 88, 90, 92, 133,
         258, 259, 260, 263, 264, 265, 266, 268, 316, 165, 272, 308, 248, 249, 250, 298, 321, 323, 425, 434, 438),
        (435, 437),
        ((2, 1), (257, 2)),
        56,
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 202, 200, 201, 199, 242, 221, 281, 129, 117, 270, 271, 45, 38, 34, 37, 35, 36, 53, 54, 33, 276,
         40, 97, 268, 217, 218, 219, 241, 280, 282, 425, 434, 438),
        (435, 437),
        ((56, 2),),
        220,
    ),
}  # fmt: skip


def close() -> bool:
    """Shut this process in, for good. Returns whether the kernel did it."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    rules = _rules(*machine)
    body = b"".join(struct.pack("=HBBI", *rule) for rule in rules)
    held = ctypes.create_string_buffer(body, len(body))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(rules), ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not libc.prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0)


def _rules(
    mark: int, refused: tuple[int, ...], missing: tuple[int, ...], opens: tuple[tuple[int, int], ...], clone: int
) -> list[tuple[int, int, int, int]]:
    """The filter, rule by rule: instruction, jump if so, jump if not, operand."""
    refuse = (_RETURN, 0, 0, _FAIL | errno.EPERM)
    rules = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, mark),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _CALL),
        # Calls of the x32 kind, which have numbers of their own.
        (_AT_LEAST, 0, 1, 0x40000000),
        refuse,
    ]
    for call in refused:
        rules += [(_EQUAL, 0, 1, call), refuse]
    for call in missing:
        rules += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]
    for call, argument in opens:
        rules += _if_bits(call, argument, _WRITING, refuse, (_RETURN, 0, 0, _ALLOW))
    # A thread is no new process.
    rules += _if_bits(clone, 0, _CLONE_THREAD, (_RETURN, 0, 0, _ALLOW), refuse)
    return [*rules, (_RETURN, 0, 0, _ALLOW)]


def _if_bits(
    call: int, argument: int, bits: int, then: tuple[int, int, int, int], otherwise: tuple[int, int, int, int]
) -> list[tuple[int, int, int, int]]:
    """For `call`: `then` if its argument has any of `bits`, else `otherwise`."""
    return [
        (_EQUAL, 0, 4, call),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * argument),
        (_ANY_BIT, 0, 1, bits),
        then,
        otherwise,
    ]
