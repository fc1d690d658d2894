import Foundation

/// What a folder's files are and where they came from, beside them in `.mica-pull/record.json`.
public struct PullRecord: Codable, Sendable, Equatable {
    /// A file as it was when its hash had been found right.
    struct File: Codable, Equatable {
        var hash: String
        var size: Int
        /// When it was last changed, in nanoseconds since 1970: as long as this and the size stay, so does the hash.
        var modified: Int
    }

    /// `Qwen/Qwen-Image-Layered`.
    public var repository: String
    /// The hub's address.
    public var endpoint: String
    /// 40 hexadecimal digits.
    public var commit: String
    /// False while files that were chosen are still to come.
    public var isComplete: Bool
    var files: [String: File]

    enum CodingKeys: String, CodingKey {
        case repository, endpoint, commit, files
        case isComplete = "is_complete"
    }

    /// Notes a file that lies in `folder` with the right bytes.
    mutating func add(_ file: HubFile, in folder: String) {
        guard let status = PullFolder.status("\(folder)/\(file.path)") else { return }
        files[file.path] = File(hash: file.hash.digits, size: status.size, modified: status.modified)
    }

    /// A record longer than this is none of ours.
    private static let mostBytes = 16 << 20

    /// The record of a model's folder, or nil if nothing was fetched into it.
    public static func of(folder: String) -> PullRecord? {
        let path = PullFolder.recordPath(folder)
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let size = (attributes?[.size] as? NSNumber)?.intValue, size <= mostBytes,
            let data = FileManager.default.contents(atPath: path)
        else { return nil }
        return try? JSONDecoder().decode(PullRecord.self, from: data)
    }
}
