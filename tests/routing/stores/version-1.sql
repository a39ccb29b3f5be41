CREATE TABLE frame (id TEXT PRIMARY KEY, body BLOB NOT NULL, exp INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (
    id TEXT NOT NULL, recipient TEXT NOT NULL, prio INTEGER NOT NULL, want INTEGER NOT NULL,
    exp INTEGER NOT NULL, PRIMARY KEY (id, recipient)
) WITHOUT ROWID;
CREATE TABLE inbox (
    id TEXT PRIMARY KEY, sender TEXT NOT NULL, link TEXT NOT NULL, exp INTEGER NOT NULL,
    stage TEXT NOT NULL DEFAULT 'stored', why TEXT NOT NULL DEFAULT '',
    handled INTEGER NOT NULL DEFAULT 0, frame BLOB
) WITHOUT ROWID;
CREATE INDEX inbox_open ON inbox (handled) WHERE handled = 0;
CREATE TABLE kept (
    kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
INSERT INTO frame VALUES ('f1', CAST('a frame' AS BLOB), 2000);
INSERT INTO outbox VALUES ('f1', 'anna', 1, 2, 2000);
INSERT INTO inbox (id, sender, link, exp, frame) VALUES ('i1', 'anna', 'mqtt', 2000, CAST('a frame' AS BLOB));
INSERT INTO inbox (id, sender, link, exp, stage, handled) VALUES ('i2', 'anna', 'mqtt', 2000, 'presented', 1);
INSERT INTO kept VALUES ('ledger', '000000000001', CAST('an entry' AS BLOB));
PRAGMA user_version = 1;
PRAGMA application_id = 1313690113;
