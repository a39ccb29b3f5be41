"""What the policy templates say in German: a line for every setting of the schema, its tables and what is allowed."""

TABLES = {
    "": "No More Running",
    "ui": "Was Mitarbeiter sehen",
    "ring": "Wie ein Ruf an dieser Station klingelt",
    "limits": "Wie viel eine einzelne andere Station uns schicken darf",
    "link": "Die Wege zu anderen",
    "link.mqtt": "Der Weg über den Broker des Standorts",
    "link.p2p": "Der Weg unmittelbar zu jeder anderen Station, ohne Server dazwischen",
    "link.mail": "Der Weg über ein Postfach; nmr mail login trägt alles ein und verwahrt das Passwort",
    "worker": "Ob diese Station Aufgaben für andere erledigt",
    "log": "Die Protokolldateien; sie enthalten nie Texte von Nachrichten",
}

SETTINGS = {
    "ui.language": "Sprache von Menüs und Fenstern; auto fragt das System",
    "ui.theme": "Farben von Fenstern und Symbol",
    "ui.order_name": "Wie ein Auftrag hier heißt",
    "ui.item_name": "Wie die Liste ausverkaufter oder knapper Dinge hier heißt",
    "ui.subtitle_name": "Was in der verdeckten zweiten Zeile eines Auftrags steht",
    "ui.flag_a": "Name der ersten Markierung eines Auftrags",
    "ui.flag_b": "Name der zweiten Markierung eines Auftrags",
    "ui.item_flag_a": "Name der ersten Markierung eines Dings",
    "ui.item_flag_b": "Name der zweiten Markierung eines Dings",
    "ui.mask": "Nur die letzten vier Zeichen der zweiten Zeile zeigen, bis die Zeile ausgewählt ist",
    "ui.timer": "Zeigen, wie lange ein Auftrag schon besteht",
    "ui.timer_seconds": "Sekunden, nach denen dieses Alter neu gezeichnet wird",
    "ui.quit_allowed": "Im Menü des Symbols „Beenden“ anbieten",
    "ring.again_seconds": "Sekunden, bis der Ton wiederkommt, solange niemand antwortet",
    "ring.page_sound": "Bei einem Ruf den Ton spielen",
    "ring.order_sound": "Einmal einen Ton spielen, wenn ein Auftrag neu ist",
    "ring.do_not_disturb_max_minutes": (
        "Das längste „Nicht stören“ in Minuten, das jemand wählen darf; 0 nimmt es aus dem Menü"
    ),
    "ring.urgent_breaks_dnd": "Ein dringender Ruf klingelt trotz „Nicht stören“",
    "ring.per_minute": "Rufe eines Absenders in einer Minute, ehe sie zu einer Zusammenfassung werden",
    "quick_page": "Fertige Rufe im Menü des Symbols",
    "limits.peer_rate": "Nachrichten in der Sekunde, auf Dauer",
    "limits.peer_burst": "Nachrichten auf einmal",
    "link.mqtt.enabled": "Diesen Weg benutzen (Broker)",
    "link.mqtt.addresses": "Broker, die statt der beim Beitritt genannten benutzt werden",
    "link.mqtt.hub_proof": "Ob der Hub sich vor der ersten Benutzung ausweisen muss oder nur soll",
    "link.p2p.enabled": "Diesen Weg benutzen (unmittelbar)",
    "link.p2p.signaling": "Wo Stationen einander finden; leer ist der Hub des Beitritts",
    "link.mail.enabled": "Diesen Weg benutzen (Postfach)",
    "link.mail.address": "Adresse des Postfachs; die anderen des Standorts erfahren sie",
    "link.mail.user": "Name für die Anmeldung; leer ist die Adresse",
    "link.mail.imap": "Wo Post gelesen wird (IMAP mit TLS, meist 993)",
    "link.mail.smtp": "Wo Post gesendet wird (SMTP mit TLS, meist 465)",
    "link.mail.folder": "Ordner, in dem unsere Post ankommt; leer ist der Posteingang",
    "link.mail.plus": "Der Server liefert name+irgendwas@rechner in dasselbe Postfach",
    "link.mail.auth": "Anmeldung: password (des Postfachs oder eines für dieses Programm) oder die eines Anbieters",
    "link.mail.tenant": "Microsoft 365: Domain oder Nummer der Organisation; leer fragt bei der Anmeldung",
    "link.mail.client_id": "Die Nummer, unter der die IT dieses Programm beim Anbieter angemeldet hat",
    "link.mail.ca_file": "Zertifikate, denen hier statt denen des Systems vertraut wird",
    "worker.enabled": "Sagen, dass hier Aufgaben erledigt werden, und sie erledigen",
    "worker.at_once": "Aufgaben zur gleichen Zeit, aller Arten zusammen",
    "task": "Eine Art von Aufgabe, die hier erledigt werden darf, und das Programm dafür",
    "log.level": "Das Unwichtigste, das noch aufgeschrieben wird",
    "log.keep_files": "Wie viele Dateien bleiben, die laufende mitgezählt",
    "log.megabytes": "Größe in Megabyte, bei der eine neue Datei begonnen wird",
}

ALLOWED = {
    "a text of 1 to 40 characters in one line": "ein Text von 1 bis 40 Zeichen in einer Zeile",
    '"host:port"': "„Rechner:Port“",
    '"host:port", or empty': "„Rechner:Port“ oder leer",
    '"local@host" of at most 254 characters, or empty': "„name@rechner“ mit höchstens 254 Zeichen oder leer",
    "a text of at most 1024 characters in one line": "ein Text von höchstens 1024 Zeichen in einer Zeile",
    "at most 128 of A-Z, a-z, 0-9, ., _ and -": "höchstens 128 aus A-Z, a-z, 0-9, ., _ und -",
    "a path of at most 1024 characters, or empty": "ein Pfad von höchstens 1024 Zeichen oder leer",
}
"""What is allowed of a text; all other kinds are put into words by their bounds."""

LINES = {
    "quick_page": 'Je Zeile ein Ruf, etwa: { title = "Tee", to = "role:kitchen", note = "", urgent = false }',
    "task": 'Je Zeile eine Aufgabe, etwa: { type = "label", command = ["C:\\\\Labels\\\\print.exe"], seconds = 60 }',
}
"""Wie eine Zeile einer Liste von Tabellen aussieht."""

EXPLAINED = (
    "{about}.\n\n"
    "Schlüssel in Dateien: {key}\nErlaubt: {allowed}\nOhne Richtlinie: {default}\n\n"
    "{states} Nicht konfiguriert: Mitarbeiter und Vorgaben entscheiden."
)
SWITCHED = "Aktiviert: ja. Deaktiviert: nein."
VALUED = "Aktiviert: der Wert unten gilt und ist in allen Programmteilen gesperrt."
SUPPORTED = "No More Running ab Version 0.1"
DESCRIPTION = "Richtlinien für die Stationen von No More Running"
