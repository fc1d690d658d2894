import Dispatch
import Foundation
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
        let next = Atomic(0)
        let workers = min(elements.count, ProcessInfo.processInfo.activeProcessorCount)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            var workspace = makeWorkspace()
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < elements.count else { return }
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
}
