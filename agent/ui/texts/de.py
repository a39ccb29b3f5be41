"""Die deutschen Texte; dieselben Schlüssel und Platzhalter wie im Englischen."""

TEXTS: dict[str, str] = {
    # --- notices ---
    "notice.page": "{sender} ruft wegen {object}",
    "notice.page-you": "{sender} ruft dich",
    "notice.system-unsupported": "Dieses System wird nicht unterstützt: No More Running braucht Windows oder Linux",
    "notice.config-missing": "Konfigurationsdatei fehlt: {path}",
    "notice.config-invalid": "Konfiguration nicht übernommen: {reason}",
    "notice.task-asked": "{station} fragt: {question}",
    "notice.task-asked-long": "{station} fragt dich",
    "notice.task-held": "{station} hat eine Aufgabe ({type}) vielleicht begonnen: Entscheide, ob sie wiederholt wird",
    "notice.task-failed": "Eine Aufgabe ({type}) ist gescheitert",
    "notice.connection": "Verbindung",
    "notice.connecting": "Verbindung zum Broker wird aufgebaut",
    "notice.login-refused": "Keine Verbindung: Der Broker lehnt die Anmeldung ab",
    "notice.negotiating": "Verbunden: Anmeldung wird geprüft",
    "notice.hmac-timeout": "Keine Verbindung: Der HMAC kam nicht rechtzeitig",
    "notice.psk-invalid": "Keine Verbindung: Ungültiger PSK empfangen",
    "notice.subscribing": "Verbunden: Themen werden abonniert",
    "notice.psk-missing": (
        "Keine Verbindung: Der Schlüssel dieser Station fehlt - Einladung von der IT holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.psk-unreadable": (
        "Keine Verbindung: Der Schlüssel dieser Station ist nicht lesbar - Einladung holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.psk-damaged": (
        "Keine Verbindung: Der Schlüssel dieser Station ist beschädigt - Einladung holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.psk-foreign": (
        "Keine Verbindung: Der Schlüssel gehört einer anderen Station - Einladung holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.psk-locked": (
        "Keine Verbindung: Der Schlüssel ist gesperrt - Schlüsselbund entsperren oder Einladung von der IT holen"
    ),
    "notice.psk-backup-missing": (
        "Keine Verbindung: Der Ersatzschlüssel fehlt - Einladung von der IT holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.psk-replaced": (
        "Keine Verbindung: Der Schlüssel dieser Station wurde ersetzt - Einladung holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.psk-unknown": (
        "Keine Verbindung: Der Hub kennt diesen Schlüssel nicht - Einladung holen, dann: nmr enrol EINLADUNG"
    ),
    "notice.hub-restored": (
        "Keine Verbindung: Der Hub kennt nur einen älteren Schlüssel - der IT sagen, er kam aus einer Sicherung"
    ),
    "notice.psk-refused": "Keine Verbindung: Der Hub lehnt den Schlüssel ab ({code}) - bitte der IT sagen",
    "notice.new-psk-invalid": "Keine Verbindung: Ungültiger HMAC für den neuen PSK empfangen",
    "notice.new-psk-not-saved": "Keine Verbindung: Der neue PSK ließ sich nicht speichern ({why})",
    "notice.connection-lost": "Keine Verbindung: Sie ist abgebrochen - neuer Versuch läuft",
    "notice.hub-silent": "Verbunden: Der Hub schweigt - zuletzt bewiesen um {time}",
    "notice.hub-not-proven": "Verbunden: Der Hub hat sich noch nicht ausgewiesen",
    "notice.backup-invalid": "Keine Verbindung: Ungültiger Ersatz-HMAC empfangen",
    "notice.new-psk-timeout": "Keine Verbindung: Kein HMAC für den neuen PSK empfangen",
    "notice.new-psk": "Neuer PSK vereinbart - Verbindung wird neu aufgebaut",
    "notice.requesting-orders": (
        "Aufträge werden geholt - das kann bis zu 2 Minuten dauern - in dieser Zeit bitte nur neue anlegen"
    ),
    "notice.no-orders": "Keine Aufträge vom Broker erhalten",
    "notice.some-orders": "Nicht alle Aufträge vom Broker erhalten - sie werden noch einmal erfragt",
    "notice.input": "Bitte Eingabe prüfen: {reason}",
    "notice.order-new": "{kind} neu: {title}",
    "notice.page-late": "NOCH NICHT ZUGESTELLT: {object} an {to}",
    "notice.page-failed": "Nicht zustellbar: {object} an {to}",
    "notice.page-taken": "{person} kommt: {object}",
    "notice.page-declined": "{person} kann nicht: {object}",
    "notice.page-later": "{person} kommt später: {object}",
    "notice.page-unanswered": "Niemand hat geantwortet: {object} an {to}",
    "notice.page-withdrawn": "Zurückgezogen: {object}",
    "notice.page-taken-by": "{person} übernimmt: {object}",
    "notice.missed.one": "Während du weg warst: 1 Ruf, schon vorbei",
    "notice.missed.many": "Während du weg warst: {n} Rufe, schon vorbei",
    "notice.open": "Öffnen",
    "notice.answer": "Antworten",
    "notice.your-page": "dein Ruf",
    "notice.this-page": "dieser Ruf",
    "notice.urgent": "Dringend",
    "notice.unknown-order": "Dieser Auftrag ist noch nicht in der Liste",
    "notice.unverified": "Die Zeit dieses Rufs war nicht prüfbar",
    "notice.page-storm": "{sender} hat in einer Minute {count}-mal gerufen",
    "notice.ledger-alarm": "Die Mitgliederliste wurde abgelehnt ({code}): Bitte die IT fragen, bevor du Neuen traust",
    "notice.ledger-stale": (
        "Mitglieder sind vielleicht veraltet: Der Hub signiert ihre Liste seit einem Tag nicht - keine Neuen"
    ),
    "notice.ledger-fork": (
        "ALARM: Der Hub hat zwei Mitgliederlisten signiert (Eintrag {seq}) - "
        "Mitglieder sind eingefroren, bitte die IT um: nmr ledger resolve"
    ),
    "notice.ledger-ahead": (
        "{station} kennt eine Mitgliederliste, die niemand zeigen kann (Eintrag {seq}): "
        "Sie wird nicht geglaubt - bitte die IT fragen"
    ),
    "ledger.stale": (
        "Mitglieder sind vielleicht seit {time} veraltet; Neue kommen nicht dazu, bis der Hub ihre Liste signiert"
    ),
    "ledger.fork": (
        "ALARM: Der Hub hat zwei Mitgliederlisten signiert (Eintrag {seq}); "
        "Mitglieder sind eingefroren, bis die IT nmr ledger resolve aufruft"
    ),
    "notice.store-damaged": "Die Datenbank war beschädigt und liegt jetzt als {path} daneben; eine neue ist begonnen",
    "notice.revoked": "Diese Station wurde aus dem Standort entfernt",
    # --- what things are called, where the site has no other name for them ---
    "label.order_name": "Auftrag",
    "label.item_name": "Engpass",
    "label.subtitle_name": "Telefon",
    "label.flag_a": "Nachtisch",
    "label.flag_b": "Milchshake",
    "label.item_flag_a": "knapp",
    "label.item_flag_b": "aus",
    # --- answers ---
    "answer.accepted": "Ich komme",
    "answer.declined": "Geht nicht",
    "answer.later": "Später",
    # --- tray and its menu ---
    "menu.orders": "Aufträge…",
    "menu.new-order": "Neuer Auftrag…",
    "menu.pages": "Rufe…",
    "menu.status": "Status…",
    "menu.dnd": "Nicht stören",
    "menu.dnd-30": "30 Minuten",
    "menu.dnd-60": "1 Stunde",
    "menu.dnd-open": "bis ich es ausschalte",
    "menu.dnd-off": "Ausschalten",
    "menu.page-person": "Person rufen",
    "menu.page-order": "Wegen eines Auftrags rufen",
    "menu.page-role": "{role} rufen",
    "menu.everybody": "Alle",
    "menu.nobody": "niemand da",
    "menu.no-orders": "keine Aufträge",
    "menu.unanswered": "{sender} antworten",
    "menu.note": "„{note}“",
    "menu.about": "{object} an {to}",
    "menu.withdraw": "Zurückziehen: {object}",
    "menu.quit": "Beenden",
    "menu.away": "{name} (nicht da)",
    "menu.reachable.none": "{name} (niemand da)",
    "menu.reachable.one": "{name} (1)",
    "menu.reachable.many": "{name} ({n})",
    "tip.title": "No More Running - {person}",
    "tip.ok": "Verbunden",
    "tip.degraded": "Eingeschränkt: nur {links}",
    "tip.no-hub": "Verbunden, aber der Hub antwortet nicht",
    "tip.offline": "Keine Verbindung - Rufe warten hier",
    "tip.starting": "Startet",
    "tip.dnd": "Nicht stören bis {time}",
    "tip.dnd-open": "Nicht stören",
    "tip.unanswered.one": "1 Ruf wartet auf deine Antwort",
    "tip.unanswered.many": "{n} Rufe warten auf deine Antwort",
    "tip.asked.one": "1 Frage wartet auf deine Antwort",
    "tip.asked.many": "{n} Fragen warten auf deine Antwort",
    # --- links and the rest of the station ---
    "link.mqtt": "Broker (MQTT)",
    "link.p2p": "Direkt (P2P)",
    "link.mail": "E-Mail",
    "link.memory": "Speicher",
    "link-short.mqtt": "MQTT",
    "link-short.p2p": "P2P",
    "link-short.mail": "E-Mail",
    "link-short.memory": "Speicher",
    "link-state.up": "verbunden",
    "link-state.connecting": "verbindet",
    "link-state.proving": "prüft den Hub",
    "link-state.down": "nicht verbunden",
    "link-state.refused": "Anmeldung abgelehnt",
    "link-state.off": "ausgeschaltet",
    "peer-state.direct": "direkt",
    "peer-state.relayed": "über Relais",
    "peer-state.suspect": "schweigt",
    "peer-state.connecting": "verbindet",
    "hub-state.up": "verbunden",
    "hub-state.down": "nicht verbunden",
    "hub-state.connecting": "verbindet",
    "hub-state.silent": "meldet sich nicht",
    "hub-state.refused": "Anmeldung abgelehnt",
    "state.ok": "Verbunden",
    "state.degraded": "Eingeschränkt",
    "state.offline": "Getrennt",
    # --- the ladder of a page ---
    "page.queued": "eingereiht",
    "page.sent": "gesendet über {link}",
    "page.stored": "auf dem Gerät",
    "page.presented": "angezeigt",
    "page.seen": "gesehen",
    "page.accepted": "übernommen von {person} nach {seconds} s",
    "page.declined": "abgelehnt von {person}",
    "page.expired": "abgelaufen",
    "page.undeliverable": "nicht zustellbar",
    "page.withdrawn": "zurückgezogen",
    "page.missed": "verpasst",
    "page.late": "NOCH NICHT ZUGESTELLT",
    # --- why a page came no further, or not as wished ---
    "why.not-shown": "kein Hinweis konnte angezeigt werden",
    "why.no-sound": "kein Ton konnte gespielt werden",
    "why.dnd": "„Nicht stören“ ist an",
    "why.muted": "der Ton ist dort aus",
    "why.summary": "zusammengefasst, es waren zu viele",
    "why.answered": "jemand hat schon geantwortet",
    "why.withdrawn": "er war schon zurückgezogen",
    "why.missed": "er war bei der Ankunft vorbei",
    "why.order-deleted": "der Auftrag wurde gelöscht",
    "why.expired": "er kam nicht rechtzeitig an",
    "why.revoked": "die Station wurde entfernt",
    "why.store": "er ließ sich hier nicht speichern",
    "why.too-large": "er ist zu groß",
    "why.unsendable": "er enthält Zeichen, die sich nicht senden lassen",
    "why.over": "er war vorbei, bevor er gezeigt werden konnte",
    "why.no-time": "er wartet auf die Uhrzeit vom Hub",
}
