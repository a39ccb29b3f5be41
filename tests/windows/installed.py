"""A Windows onto which IT puts our MSI: what its installer, its registry and its disk then say."""

from pathlib import Path

from agent.demo.site import Site
from tests.servers.desktop import Desktop
from tests.servers.wine import SLOW, Running, Wine
from tests.windows.station import WindowsStation

PROGRAMS = Path("Program Files", "No More Running")
OURS = r"HKLM\Software\NoMoreRunning"
RUN = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Run"
UNINSTALL = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall"


class InstalledStation(WindowsStation):
    """Anna's computer; nobody has typed anything at it."""

    def __init__(self, wine: Wine, desktop: Desktop, site: Site, folder: Path) -> None:
        super().__init__(wine, desktop, site, folder)
        self.folder_of_program = wine.drive_c / PROGRAMS

    def install(self, msi: Path, *properties: str) -> int:
        """Install silently; the exit code."""
        return self._msiexec("/i", msi, *properties)

    def remove(self, msi: Path) -> int:
        """Remove silently; the exit code."""
        return self._msiexec("/x", msi)

    def registry(self, key: str) -> dict[str, str]:
        """All texts in a key and below it, by name; empty if there is no such key."""
        said = self.wine.run_program("reg", "query", key, "/s").said
        words = (line.split("    ", 3) for line in said.splitlines())
        return {found[1]: found[3] for found in words if len(found) == 4 and found[2].startswith("REG_")}

    def entries(self) -> list[str]:
        """The versions of us in the list of installed programs."""
        keys = self.wine.run_program("reg", "query", UNINSTALL).said.split("\n")
        found = [self.registry(key.strip()) for key in keys if key.startswith("HKEY")]
        return [one["DisplayVersion"] for one in found if one.get("DisplayName") == "No More Running"]

    def shortcuts(self) -> list[str]:
        """Ours in the Start menu."""
        return [path.name for path in self.wine.drive_c.rglob("No More Running*.lnk")]

    def nmr(self, *arguments: str) -> Running:
        """Run a command of the installed console program to its end."""
        return self.wine.run_program(self._program("nmrc.exe"), *arguments)

    @property
    def data(self) -> Path:
        """Where the agent keeps what is the user's."""
        (found,) = self.wine.drive_c.glob("users/*/AppData/Local/NoMoreRunning")
        return found

    @property
    def log(self) -> str:
        """What the agent wrote into its log."""
        files = list(self.wine.drive_c.glob("users/*/AppData/Local/NoMoreRunning/Logs/agent.log"))
        return files[0].read_text(encoding="utf-8") if files else ""

    def _start(self) -> Running:
        """As Windows does at the login: by the line in the registry; or as users do, by the shortcut."""
        line = self.registry(RUN).get("NoMoreRunning", f'"{self._program("nmr.exe")}" run')
        program, _, words = line.removeprefix('"').partition('" ')
        return self.wine.start_program(program, *words.split())

    def _msiexec(self, deed: str, msi: Path, *words: str) -> int:
        return self.wine.run_program("msiexec", deed, self.wine.path(msi), "/qn", *words, seconds=2 * SLOW).wait()

    def _program(self, name: str) -> str:
        return "C:\\" + str(PROGRAMS / name).replace("/", "\\")
