// SQLite's C API, with wrappers for what Swift cannot call.
#pragma once

#include <sqlite3.h>

/// Binds a copy of the text. A wrapper, because SQLITE_TRANSIENT is a cast of -1 to a function pointer.
static inline int mica_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Binds a copy of the bytes. A wrapper for the same reason.
static inline int mica_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
