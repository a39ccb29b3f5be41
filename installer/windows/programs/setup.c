/* setup.exe: what the installer cannot say in tables. It is carried inside the MSI and never installed.

       setup.exe end "AGENT"            end all programs beside that one: agents politely, after 15 s by force
       setup.exe end "AGENT" remember   and remember in whose sessions an agent was running
       setup.exe resume "AGENT"         start agents there again; AGENT is the whole path of nmr.exe

   In the middle is an upgrade: a desk must not stay silent until its user logs in the next time. On Windows this runs
   as SYSTEM, which may start programs in other sessions; where it is just a user, it starts one in its own. */

#include <windows.h>
#include <stdlib.h>
#include <tlhelp32.h>
#include <userenv.h>
#include <wchar.h>
#include <wtsapi32.h>

#include "names.h"

#define PATIENCE_MS 15000
#define MOST 64 /* what WaitForMultipleObjects takes */
#define KEY L"Software\\NoMoreRunning"
#define VALUE L"Resume"

typedef struct {
    HANDLE processes[MOST];
    DWORD sessions[MOST];
    DWORD count, remembered;
} Found;

/* Whether two programs lie in the same folder. */
static int are_neighbours(const wchar_t *one, const wchar_t *other)
{
    size_t length = wcsrchr(one, L'\\') - one + 1;
    return !_wcsnicmp(one, other, length) && !wcschr(other + length, L'\\');
}

/* Tell the process to end; returns whether it is an agent, which listens for that. */
static int ask_to_end(DWORD id)
{
    wchar_t name[NAME_LENGTH];
    swprintf(name, NAME_LENGTH, END_EVENT, id);
    HANDLE event = OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
    if (!event)
        return 0;
    SetEvent(event);
    CloseHandle(event);
    return 1;
}

static void look_at(const PROCESSENTRY32W *entry, const wchar_t *agent, Found *found)
{
    wchar_t path[MAX_PATH];
    DWORD length = MAX_PATH, session;
    HANDLE process = OpenProcess(
        PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE | SYNCHRONIZE, FALSE, entry->th32ProcessID);
    if (!process)
        return;
    if (found->count == MOST || !QueryFullProcessImageNameW(process, 0, path, &length) || !are_neighbours(agent, path)) {
        CloseHandle(process);
        return;
    }
    found->processes[found->count++] = process;
    if (ask_to_end(entry->th32ProcessID) && !_wcsicmp(path, agent)
        && ProcessIdToSessionId(entry->th32ProcessID, &session))
        found->sessions[found->remembered++] = session;
}

static void remember(const Found *found)
{
    DWORD size = found->remembered * sizeof(DWORD);
    RegSetKeyValueW(HKEY_LOCAL_MACHINE, KEY, VALUE, REG_BINARY, found->sessions, size);
}

static int end(const wchar_t *agent, int to_resume)
{
    Found found = {.count = 0};
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    for (BOOL more = Process32FirstW(all, &entry); more; more = Process32NextW(all, &entry))
        look_at(&entry, agent, &found);
    CloseHandle(all);
    if (found.count)
        WaitForMultipleObjects(found.count, found.processes, TRUE, PATIENCE_MS);
    for (DWORD i = 0; i < found.count; i++) {
        if (WaitForSingleObject(found.processes[i], 0) != WAIT_OBJECT_0)
            TerminateProcess(found.processes[i], 1);
        WaitForSingleObject(found.processes[i], PATIENCE_MS);
    }
    if (to_resume && found.remembered)
        remember(&found);
    else if (!to_resume)
        RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, KEY, VALUE);
    return 0;
}

/* Start the agent in a session: as its user if we may, else only in our own. */
static void start_in(DWORD session, wchar_t *command)
{
    STARTUPINFOW how = {.cb = sizeof how, .lpDesktop = L"winsta0\\default"};
    PROCESS_INFORMATION made;
    HANDLE user;
    void *environment = NULL;
    DWORD own = 0;
    BOOL started = FALSE;
    if (WTSQueryUserToken(session, &user)) {
        if (CreateEnvironmentBlock(&environment, user, FALSE)) {
            started = CreateProcessAsUserW(user, NULL, command, NULL, NULL, FALSE, CREATE_UNICODE_ENVIRONMENT,
                                           environment, NULL, &how, &made);
            DestroyEnvironmentBlock(environment);
        }
        CloseHandle(user);
    } else if (ProcessIdToSessionId(GetCurrentProcessId(), &own) && own == session) {
        how.lpDesktop = NULL;
        started = CreateProcessW(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &how, &made);
    }
    if (started) {
        CloseHandle(made.hProcess);
        CloseHandle(made.hThread);
    }
}

static int resume(const wchar_t *agent)
{
    DWORD sessions[MOST], size = sizeof sessions;
    wchar_t command[MAX_PATH + 32];
    if (RegGetValueW(HKEY_LOCAL_MACHINE, KEY, VALUE, RRF_RT_REG_BINARY, NULL, sessions, &size))
        return 0;
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, KEY, VALUE);
    for (DWORD i = 0; i < size / sizeof *sessions; i++) {
        swprintf(command, sizeof command / sizeof *command, L"\"%ls\" run", agent);
        start_in(sessions[i], command);
    }
    return 0;
}

int WINAPI wWinMain(HINSTANCE self, HINSTANCE before, PWSTR line, int show)
{
    (void)self, (void)before, (void)line, (void)show;
    if (__argc < 3 || !wcsrchr(__wargv[2], L'\\'))
        return 2;
    if (!wcscmp(__wargv[1], L"end"))
        return end(__wargv[2], __argc > 3 && !wcscmp(__wargv[3], L"remember"));
    if (!wcscmp(__wargv[1], L"resume"))
        return resume(__wargv[2]);
    return 2;
}
