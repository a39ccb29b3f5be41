"""A guarded program on Windows: a job object holds it and all it starts, and ends them with the guard."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

if sys.platform == "win32":
    from ctypes import wintypes

    _SUSPENDED = 0x4
    _EXTENDED_LIMITS = 9
    _PROCESSES, _DIE_ON_FAULT, _JOB_MEMORY, _END_ON_CLOSE = 0x8, 0x400, 0x200, 0x2000
    MOST_PROCESSES = 256

    class _Basic(ctypes.Structure):
        """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

        _fields_ = (
            ("process_time", ctypes.c_int64),
            ("job_time", ctypes.c_int64),
            ("flags", wintypes.DWORD),
            ("least_working_set", ctypes.c_size_t),
            ("most_working_set", ctypes.c_size_t),
            ("processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("priority", wintypes.DWORD),
            ("scheduling", wintypes.DWORD),
        )

    class _Extended(ctypes.Structure):
        """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

        _fields_ = (
            ("basic", _Basic),
            ("io", ctypes.c_uint64 * 6),
            ("process_memory", ctypes.c_size_t),
            ("job_memory", ctypes.c_size_t),
            ("peak_process_memory", ctypes.c_size_t),
            ("peak_job_memory", ctypes.c_size_t),
        )

    class GuardedProgram:
        """One started program; `memory_bytes` is what it may have together with all it starts."""

        def __init__(self, command: Sequence[str], folder: str, around: dict[str, str], memory_bytes: int) -> None:
            self._kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.CreateJobObjectW.restype = wintypes.HANDLE
            self._job = wintypes.HANDLE(self._kernel.CreateJobObjectW(None, None))
            self._limit(memory_bytes)
            # It does not run before the job holds it: no child of its can be outside. Its group is for Ctrl+Break.
            flags = _SUSPENDED | subprocess.CREATE_NEW_PROCESS_GROUP
            self.popen = subprocess.Popen(command, cwd=folder, env=around, stdin=subprocess.PIPE, creationflags=flags)
            number = wintypes.HANDLE(int(self.popen._handle))  # type: ignore[attr-defined]  # noqa: SLF001 - nobody else has it
            if not self._kernel.AssignProcessToJobObject(self._job, number):
                self.popen.kill()
                raise ctypes.WinError(ctypes.get_last_error())
            ctypes.WinDLL("ntdll").NtResumeProcess(number)

        def ask(self) -> None:
            """Press Ctrl+Break for it; where there is no console (wine), it hears nothing and is ended later."""
            # Python's own send_signal ends the process when the key cannot be pressed.
            self._kernel.GenerateConsoleCtrlEvent(signal.CTRL_BREAK_EVENT, self.popen.pid)

        def end(self) -> None:
            """End it and whatever it started."""
            self._kernel.TerminateJobObject(self._job, 1)

        def wait(self) -> tuple[int, int]:
            """When nothing of it is left: its exit code, and the most memory all of it had, in bytes."""
            code = self.popen.wait()
            self.end()
            found = _Extended()
            self._kernel.QueryInformationJobObject(
                self._job, _EXTENDED_LIMITS, ctypes.byref(found), ctypes.sizeof(found), None
            )
            return code, int(found.peak_job_memory)

        def _limit(self, memory_bytes: int) -> None:
            limits = _Extended()
            limits.basic.flags = _PROCESSES | _DIE_ON_FAULT | _JOB_MEMORY | _END_ON_CLOSE
            limits.basic.processes = MOST_PROCESSES
            limits.job_memory = memory_bytes
            if not self._kernel.SetInformationJobObject(
                self._job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
            ):
                raise ctypes.WinError(ctypes.get_last_error())
