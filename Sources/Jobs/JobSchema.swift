import DurableStorage

/// The tables, and how an older database gets them.
enum JobSchema {
    /// One list of statements a version; never changed once released, only added to.
    static let migrations: [[String]] = [
        [
            """
            CREATE TABLE jobs (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                id TEXT NOT NULL UNIQUE,
                client TEXT NOT NULL,
                state TEXT NOT NULL
                    CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')),
                priority INTEGER NOT NULL,
                cost REAL NOT NULL,
                metadata TEXT NOT NULL,
                request_bytes INTEGER NOT NULL,
                result_bytes INTEGER NOT NULL DEFAULT 0,
                idempotency_key TEXT,
                payload_digest BLOB,
                created_at INTEGER NOT NULL,
                deadline INTEGER,
                started_at INTEGER,
                ended_at INTEGER,
                expired_at INTEGER,
                attempts INTEGER NOT NULL DEFAULT 0,
                end_request INTEGER NOT NULL DEFAULT 0,
                failure_code TEXT,
                failure_message TEXT
            ) STRICT
            """,
            "CREATE UNIQUE INDEX jobs_key ON jobs (client, idempotency_key) WHERE idempotency_key IS NOT NULL",
            "CREATE INDEX jobs_client ON jobs (client, sequence)",
            "CREATE INDEX jobs_state ON jobs (state, ended_at)",
            """
            CREATE TABLE result_files (
                job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                position INTEGER NOT NULL,
                name TEXT NOT NULL,
                media_type TEXT NOT NULL,
                byte_count INTEGER NOT NULL,
                PRIMARY KEY (job, position)
            ) STRICT, WITHOUT ROWID
            """,
        ]
    ]

    /// Brings the database to the newest version, each version in a transaction of its own. Throws `newerSchema`.
    static func migrate(_ database: DatabaseStorage) throws(StorageError) {
        let found = try Int(database.rows("PRAGMA user_version").first?.first?.integer ?? 0)
        guard found >= 0, found <= migrations.count else {
            throw .newerSchema(path: database.path, found: found, known: migrations.count)
        }
        for version in found..<migrations.count {
            try database.transaction { () throws(StorageError) in
                for statement in migrations[version] { try database.run(statement) }
                // A pragma takes no parameters.
                try database.run("PRAGMA user_version = \(version + 1)")
            }
        }
    }
}
