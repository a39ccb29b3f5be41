/* nmr.exe (windowed) and nmrc.exe (console): the product's own Python, running the agent.

       nmr.exe ARGS             python -I -m agent ARGS       without any, and without a console: … run
       nmr.exe -m MODULE ARGS   python -I -m MODULE ARGS      the agent starts its window so: sys.executable is us

   -I, because somebody's PYTHON… variables are for another Python.

   The installer ends agents of all users before it takes their files away (see setup.c): it sets an event that belongs
   to the process, and we turn that into the interrupt that the agent ends cleanly for. */

#include <windows.h>
#include <stdlib.h>
#include <wchar.h>

#include "names.h"

#define NO_PYTHON 70

typedef int (*Main)(int, wchar_t **);
typedef void (*Interrupt)(void);

static Interrupt interrupt;

static DWORD WINAPI wait_for_end(LPVOID event)
{
    WaitForSingleObject(event, INFINITE);
    interrupt();
    return 0;
}

static void listen_for_end(void)
{
    wchar_t name[NAME_LENGTH];
    swprintf(name, NAME_LENGTH, END_EVENT, GetCurrentProcessId());
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, name);
    if (event && GetLastError() != ERROR_ALREADY_EXISTS)
        CreateThread(NULL, 0, wait_for_end, event, 0, NULL);
}

/* Load Python from beside us, and nothing from the folder somebody happens to be in. */
static HMODULE load_python(void)
{
    wchar_t path[MAX_PATH + sizeof PYTHON];
    DWORD length = GetModuleFileNameW(NULL, path, MAX_PATH);
    while (length && path[length - 1] != L'\\')
        length--;
    wcscpy(path + length, PYTHON);
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    return LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
}

static int start(int count, wchar_t **words)
{
    HMODULE python = load_python();
    Main run = python ? (Main)(void *)GetProcAddress(python, "Py_Main") : NULL;
    interrupt = python ? (Interrupt)(void *)GetProcAddress(python, "PyErr_SetInterrupt") : NULL;
    wchar_t **all = calloc(count + 5, sizeof *all);
    if (!run || !interrupt || !all)
        return NO_PYTHON;
    int used = 0, module = count > 1 && !wcscmp(words[1], L"-m");
    all[used++] = words[0];
    all[used++] = L"-I";
    if (!module) {
        all[used++] = L"-m";
        all[used++] = L"agent";
        listen_for_end();
    }
    for (int i = 1; i < count; i++)
        all[used++] = words[i];
#ifndef CONSOLE
    if (count == 1)
        all[used++] = L"run";
#endif
    return run(used, all);
}

#ifdef CONSOLE
int wmain(int count, wchar_t **words)
{
    return start(count, words);
}
#else
int WINAPI wWinMain(HINSTANCE self, HINSTANCE before, PWSTR line, int show)
{
    (void)self, (void)before, (void)line, (void)show;
    return start(__argc, __wargv);
}
#endif
