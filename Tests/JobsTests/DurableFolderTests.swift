import Foundation
import Glibc
import Testing

@testable import DurableStorage

struct DurableFolderTests {
    @Test(arguments: ["", "/new", "/new/deep/one", "/slash/"])
    func aCheckLeavesNothing(_ name: String) throws {
        let folder = try ScratchFolder()
        #expect(FileManager.default.createFile(atPath: folder.path + "/file", contents: nil))
        try DurableFolder.check(folder.path + name)
        #expect(try folder.names() == ["file"])
        try DurableFolder.create(folder.path + name)
        try DurableFolder.check(folder.path + name)
        #expect(try folder.names(name) == (name.isEmpty ? ["file"] : []))
    }

    /// It is synced when the folder is made: that of a name with a slash at its end is not the folder itself.
    @Test(arguments: [
        ("a", "."), ("a/", "."), ("a/b", "a"), ("a/b/", "a"), ("a//b//", "a"), ("/a", "/"), ("/a/", "/"), ("//a", "/"),
        ("/", "/"), ("", "."), ("/a/b", "/a"),
    ])
    func parents(path: String, parent: String) { #expect(DurableFolder.parent(of: path) == parent) }

    @Test(arguments: ["/proc/nope", "/proc/nope/below", "/dev/null", "/dev/null/below"])
    func placesWithoutFolders(_ path: String) {
        #expect(throws: StorageError.self) { try DurableFolder.check(path) }
        #expect(throws: StorageError.self) { try DurableFolder.create(path) }
    }

    /// A folder that may be written but not read cannot be synced: what may not last is not there.
    @Test(.enabled(if: geteuid() != 0, "the superuser may read every folder"))
    func aFileWhoseFolderCannotBeSyncedIsTakenBack() throws {
        let folder = try ScratchFolder()
        #expect(chmod(folder.path, 0o300) == 0)
        #expect(throws: StorageError.self) { try DurableFile.write([[1]], name: "a", folder: folder.path) }
        #expect(chmod(folder.path, 0o700) == 0)
        #expect(try folder.names().isEmpty)
    }
}
