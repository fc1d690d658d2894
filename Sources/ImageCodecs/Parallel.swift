import Dispatch
import HostLimits
import Synchronization

/// Independent pieces of work, done on all processors at once.
public enum Parallel {
    /// `make` of 0 ..< `count`, in order; several at the same time, each on one thread.
    public static func map<Value: Sendable>(_ count: Int, _ make: @Sendable (Int) -> Value) -> [Value] {
        map(Array(0..<count), make)
    }

    /// `transform` of each element, in order; throws the first failure by place.
    public static func map<Element: Sendable, Value: Sendable, Failure: Error>(
        _ elements: [Element], _ transform: @Sendable (Element) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        try map(elements, with: { () }) { (element, _) throws(Failure) in try transform(element) }
    }

    /// As `map`; each processor makes itself something to work with that it uses for all of its elements.
    public static func map<Element: Sendable, Workspace, Value: Sendable, Failure: Error>(
        _ elements: [Element], with makeWorkspace: @Sendable () -> Workspace,
        _ transform: @Sendable (Element, inout Workspace) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let results = Mutex([Result<Value, Failure>?](repeating: nil, count: elements.count))
        share(elements.count) { next in
            var workspace = makeWorkspace()
            while let index = next() {
                let result: Result<Value, Failure>
                do throws(Failure) {
                    result = .success(try transform(elements[index], &workspace))
                } catch {
                    result = .failure(error)
                }
                results.withLock { $0[index] = result }
            }
        }
        var values: [Value] = []
        for result in results.withLock({ $0 }) {
            // Every iteration has left one.
            if let result { values.append(try result.get()) }
        }
        return values
    }

    /// Calls `body` with each of 0 ..< `count`, several at the same time.
    static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
        share(count) { next in
            while let index = next() { body(index) }
        }
    }

    /// Calls `work` on as many threads as there are processors for this process, which may be fewer than the machine
    /// has; `next` gives each of 0 ..< `count` to one of them, then nil.
    private static func share(_ count: Int, _ work: @Sendable (_ next: () -> Int?) -> Void) {
        let taken = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(count, ProcessorCount.available)) { _ in
            work {
                let index = taken.wrappingAdd(1, ordering: .relaxed).oldValue
                return index < count ? index : nil
            }
        }
    }
}
