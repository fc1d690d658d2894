import CCUDA
import Foundation
import Synchronization

/// Which of cuBLASLt's ways was the fastest for a product, found by timing a few once and kept on disk for the next
/// process: its own first choice is a guess.
///
/// A shape keeps its way as long as the backend lives, so that equal jobs give equal bits there. What was not timed for
/// want of time is not kept on disk: the next process times it, and its sums may then differ in their last bits.
final class ProductChoices: Sendable {
    /// Of all timing of a backend, but for the first way of the product that reaches it.
    static let usualLimit = Duration.seconds(2)
    /// So many ways are asked for, each run so often after one run to warm up.
    static let wayCount = 8
    static let runCount = 3
    /// A way that is not faster by more than this is not taken: it would be noise.
    static let gain: Float = 0.98
    private static let largestEntryCount = 4096

    private struct State {
        var ways: [String: [UInt64]]?
        var spent = Duration.zero
    }

    /// Products of at least so many floating-point operations are timed; nil for none.
    let leastWork: Int?
    private let limit: Duration
    private let cache: CubinCache?
    private let fileName: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - device: as the driver calls it, and `version`, cuBLASLt's, under which choices are kept.
    ///   - folder: where they are kept; nil keeps none.
    ///   - limit: of all timing.
    init(device: String, version: String, folder: URL?, leastWork: Int?, limit: Duration) {
        self.leastWork = leastWork
        self.limit = limit
        cache = folder.map { CubinCache(folder: $0) }
        let safe = String(device.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        fileName = "products-\(safe)-\(version).json"
    }

    /// The time that is left.
    var remaining: Duration { max(limit - state.withLock(\.spent), .zero) }

    /// True if a product is worth timing, and time for it is left.
    func times(_ key: MatrixProducts.Key) -> Bool {
        guard let leastWork else { return false }
        let (work, overflow) = (2 * key.rows * key.columns).multipliedReportingOverflow(by: key.depth)
        return (overflow || work >= leastWork) && remaining > .zero
    }

    /// What was found before; the caller sees whether cuBLASLt still takes it.
    func known(_ key: MatrixProducts.Key) -> MicaMatmulAlgorithm? {
        guard leastWork != nil else { return nil }
        return state.withLock { state in
            load(&state)
            return state.ways?[key.description].flatMap(MicaMatmulAlgorithm.init(words:))
        }
    }

    /// Keeps what was found in so much time; nil if that did not do for all ways.
    func keep(_ algorithm: MicaMatmulAlgorithm?, for key: MatrixProducts.Key, spent: Duration) {
        state.withLock { state in
            load(&state)
            state.spent += spent
            guard let algorithm, (state.ways?.count ?? 0) < Self.largestEntryCount else { return }
            state.ways?[key.description] = algorithm.words
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            if let data = try? encoder.encode(state.ways) { cache?.write(Array(data), fileName) }
        }
    }

    private func load(_ state: inout State) {
        guard state.ways == nil else { return }
        let bytes = cache?.read(fileName) ?? []
        // What cannot be read is found anew.
        state.ways = (try? JSONDecoder().decode([String: [UInt64]].self, from: Data(bytes))) ?? [:]
    }
}

extension MicaMatmulAlgorithm {
    /// The structure's eight words.
    fileprivate var words: [UInt64] {
        withUnsafeBytes(of: data) { Array($0.bindMemory(to: UInt64.self)) }
    }

    /// Nil unless there are eight.
    fileprivate init?(words: [UInt64]) {
        self.init()
        guard words.count == MemoryLayout.size(ofValue: data) / 8 else { return nil }
        withUnsafeMutableBytes(of: &data) { target in
            words.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }
}
