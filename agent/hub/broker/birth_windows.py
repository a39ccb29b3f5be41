"""When a process was started, as Windows tells whoever may ask."""

import sys

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _QUERY_LIMITED = 0x1000
    _STILL_ACTIVE = 259

    def birth(pid: int) -> int:
        """The process' creation time in units of 100 ns since 1601; 0 if there is none, or it has ended."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        number = kernel.OpenProcess(_QUERY_LIMITED, False, pid)
        if not number:
            return 0
        process = wintypes.HANDLE(number)
        code, created, others = wintypes.DWORD(), wintypes.FILETIME(), [wintypes.FILETIME() for _ in range(3)]
        try:
            kernel.GetExitCodeProcess(process, ctypes.byref(code))
            if code.value != _STILL_ACTIVE:
                return 0
            kernel.GetProcessTimes(process, ctypes.byref(created), *map(ctypes.byref, others))
            return int(created.dwHighDateTime << 32 | created.dwLowDateTime)
        finally:
            kernel.CloseHandle(process)
