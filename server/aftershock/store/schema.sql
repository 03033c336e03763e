-- The database of facts: .aftershock/facts.db in the project.
--
-- A database of another version (PRAGMA user_version) is set aside, not migrated: all of it can be had again by
-- running tests.

-- Keys with their digests.  Thousands of input sets hold the same ones, so they stand here once.
CREATE TABLE input (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,      -- KeyKind's value
    path TEXT NOT NULL,      -- relative to the project, forward slashes; may be empty
    name TEXT NOT NULL,      -- qualified or module name; may be empty
    digest TEXT NOT NULL,
    UNIQUE (path, name, kind, digest)
);

-- Sets of inputs, shared by facts.
CREATE TABLE input_set (
    id INTEGER PRIMARY KEY,
    members BLOB NOT NULL UNIQUE  -- ids of inputs, ascending, as 32-bit little-endian integers
);

-- One run of one test.
CREATE TABLE fact (
    id INTEGER PRIMARY KEY,
    test TEXT NOT NULL,        -- pytest's node id
    variant TEXT NOT NULL,     -- Python version, platform, the user's expression
    outcome TEXT NOT NULL,     -- passed, failed, errored, skipped
    durations TEXT NOT NULL,   -- JSON object: seconds by phase
    failure TEXT,              -- JSON object: messages.Failure
    reason TEXT NOT NULL,      -- why it was skipped or expected to fail
    recorded_at REAL NOT NULL, -- seconds since the epoch
    exact INTEGER NOT NULL,    -- 1: the test ran alone in a fresh process
    spoke_at REAL NOT NULL     -- until when it has spoken for the test, as far as is known: seconds since the epoch
);

CREATE INDEX fact_by_test ON fact (test);

-- What each fact depended on.
CREATE TABLE fact_input_set (
    fact INTEGER NOT NULL REFERENCES fact ON DELETE CASCADE,
    input_set INTEGER NOT NULL REFERENCES input_set,
    position INTEGER NOT NULL, -- what the test executed first, its import closure second, then additions
    PRIMARY KEY (fact, input_set)
) WITHOUT ROWID;

CREATE INDEX fact_by_input_set ON fact_input_set (input_set);

-- What parsing found in a file, so that an unchanged file isn't parsed at the next start.
CREATE TABLE file (
    path TEXT PRIMARY KEY,
    mtime_ns INTEGER NOT NULL,
    size INTEGER NOT NULL,     -- bytes
    digest TEXT NOT NULL,      -- of the content
    algorithm TEXT NOT NULL,   -- of the symbols' digests
    symbols TEXT NOT NULL,     -- JSON object
    imports TEXT NOT NULL,     -- JSON object
    details TEXT NOT NULL      -- JSON object: who mentions what, effects
);

-- What files said when tests ran, the last few texts of each.
CREATE TABLE former_text (
    id INTEGER PRIMARY KEY,    -- later ones are greater
    path TEXT NOT NULL,
    digest TEXT NOT NULL,      -- of the text
    since REAL NOT NULL,       -- when tests first ran with it, seconds since the epoch
    text BLOB NOT NULL         -- zlib
);

CREATE INDEX former_text_by_path ON former_text (path);

-- What the names of a module were bound to.  Facts and imports name these by their digest.
CREATE TABLE module_values (
    digest TEXT PRIMARY KEY,
    names TEXT NOT NULL        -- JSON object: digests by name
) WITHOUT ROWID;

-- Imports of files: with these inputs, those values.
CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    variant TEXT NOT NULL,
    inputs TEXT NOT NULL,      -- JSON object: keys and digests, functions that ran, values of other files
    "values" TEXT NOT NULL     -- digest of the values
);

CREATE INDEX import_by_path ON import (path);

-- The tests as pytest last collected them.
CREATE TABLE test (
    id TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    line INTEGER NOT NULL,     -- one-based
    chain TEXT NOT NULL,       -- JSON list of names, class to test
    markers TEXT NOT NULL,     -- JSON list of names
    digest TEXT NOT NULL,      -- of what collecting made of it beside its function
    position INTEGER NOT NULL  -- order within the file
);

CREATE INDEX test_by_path ON test (path);

-- Whatever else the engine remembers between two starts.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
