import DurableStorage
import Testing

struct DatabaseStorageTests {
    @Test(arguments: [
        .null, .integer(.min), .integer(.max), .real(-0.5), .text(""), .text("a\0b"), .text("größer 🙂"), .blob([]),
        .blob([0, 255, 0]),
    ] as [DatabaseValue])
    func valuesComeBack(_ value: DatabaseValue) throws {
        let folder = try ScratchFolder()
        let database = try DatabaseStorage(path: folder.path + "/db")
        #expect(try database.rows("SELECT ?", [value]) == [[value]])
    }

    @Test func aFullDatabaseSaysSoAndGoesOn() throws {
        let folder = try ScratchFolder()
        let database = try DatabaseStorage(path: folder.path + "/db")
        try database.run("CREATE TABLE kept (bytes BLOB)")
        _ = try database.rows("PRAGMA max_page_count = 10")
        func insert(_ count: Int) throws(StorageError) {
            try database.transaction { () throws(StorageError) in
                for _ in 0..<count {
                    try database.run("INSERT INTO kept VALUES (?)", [.blob([UInt8](repeating: 1, count: 3000))])
                }
            }
        }
        try insert(3)
        #expect(throws: StorageError.full(operation: "write the database", path: database.path)) { try insert(20) }
        #expect(try database.rows("SELECT count(*) FROM kept") == [[.integer(3)]])
        _ = try database.rows("PRAGMA max_page_count = 1000")
        try insert(20)
        #expect(try database.rows("SELECT count(*) FROM kept") == [[.integer(23)]])
    }

    @Test func aWrongStatementIsAnErrorAndNotATrap() throws {
        let folder = try ScratchFolder()
        let database = try DatabaseStorage(path: folder.path + "/db")
        #expect(throws: StorageError.self) { try database.run("SELEC") }
        #expect(throws: StorageError.self) { try database.rows("SELECT 1", [.integer(1)]) }
        #expect(try database.rows("SELECT 1") == [[.integer(1)]])
    }

    @Test func aClosedOneIsUnavailable() throws {
        let folder = try ScratchFolder()
        let database = try SerialDatabase(path: folder.path + "/db")
        database.close()
        #expect(throws: StorageError.unavailable) {
            try database.perform { (database) throws(StorageError) in try database.run("SELECT 1") }
        }
        _ = try SerialDatabase(path: folder.path + "/db")
    }
}
