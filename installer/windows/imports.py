"""Which DLLs the Windows programs of a folder ask for, read from the programs themselves, and which nobody brings."""

# A program says at the 32-bit offset 0x3C where its header is:
#     "PE\0\0", 20 bytes (at 2 the number of sections, at 16 the size of what follows), an optional header (its first
#     16 bits: 0x20B = 64-bit), sections of 40 bytes (at 8: size in memory, address, size in the file, offset in it).
# The optional header ends in 16 pairs (address, size): number 1 leads to the imports, number 13 to those made late.
# Imports are records of 20 bytes with the address of the DLL's name at 12, late ones of 32 bytes with it at 4;
# a record without a name is the last.

import struct
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = {".exe", ".dll", ".pyd"}
WINDOWS_HAS = {
    *("advapi32", "bcrypt", "bcryptprimitives", "cfgmgr32", "comctl32", "comdlg32", "crypt32", "gdi32", "imm32"),
    *("iphlpapi", "kernel32", "mpr", "msvcrt", "ncrypt", "netapi32", "ntdll", "ole32", "oleaut32", "powrprof"),
    *("psapi", "rpcrt4", "secur32", "setupapi", "shell32", "shlwapi", "user32", "userenv", "uxtheme", "version"),
    *("winmm", "winspool.drv", "ws2_32", "wtsapi32"),
}
"""What every Windows from 10 on has, besides everything that begins as follows."""
WINDOWS_API = ("api-ms-win-", "ext-ms-win-")
_FAKES = (b"Wine builtin DLL", b"Wine placeholder DLL")
_TABLES = ((1, 20, 12), (13, 32, 4))


class NoProgram(Exception):
    """The file is not a 64-bit Windows program."""


def imports_of(program: bytes) -> list[str]:
    """The names of all DLLs that a program asks for, as it spells them; raises NoProgram."""
    try:
        return list(_imports(program))
    except (struct.error, ValueError, IndexError) as error:
        raise NoProgram(str(error)) from error


def lacking(folder: Path) -> list[str]:
    """A line for each DLL that a program below `folder` asks for and neither the folder nor Windows has."""
    programs = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PROGRAMS)
    there = {path.name.lower() for path in programs}
    found = []
    for path in programs:
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        if any(mark in content[:256] for mark in _FAKES):
            found.append(f"{name} is a part of wine, not of Windows")
        wanted = (dll.lower() for dll in imports_of(content))
        found += [f"{name} needs {dll}" for dll in wanted if dll not in there and not _is_windows_own(dll)]
    return found


def _is_windows_own(dll: str) -> bool:
    return dll.removesuffix(".dll") in WINDOWS_HAS or dll.startswith(WINDOWS_API)


def _imports(program: bytes) -> Iterator[str]:
    (header,) = struct.unpack_from("<I", program, 0x3C)
    count, size = struct.unpack_from("<2xH12xH", program, header + 4)
    optional = header + 24
    if program[header : header + 4] != b"PE\0\0" or struct.unpack_from("<H", program, optional) != (0x20B,):
        raise ValueError("no 64-bit Windows program")
    sections: list[tuple[int, int, int, int]] = [
        struct.unpack_from("<4I", program, optional + size + 40 * i + 8) for i in range(count)
    ]

    def place(address: int) -> int:
        for length, start, _, offset in sections:
            if start <= address < start + length:
                return offset + address - start
        raise ValueError(f"nothing is at {address:#x}")

    for number, step, at in _TABLES:
        (table,) = struct.unpack_from("<I", program, optional + 112 + 8 * number)
        record = place(table) if table else None
        while record is not None:
            (name,) = struct.unpack_from("<I", program, record + at)
            if not name:
                break
            start = place(name)
            yield program[start : program.index(b"\0", start)].decode("ascii")
            record += step
