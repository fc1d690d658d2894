import Dispatch
import Synchronization

/// Independent pieces of work, done on all processors at once.
public enum Parallel {
    /// `make` of 0 ..< `count`, in order; several at the same time, each on one thread.
    public static func map<Value: Sendable>(_ count: Int, _ make: @Sendable (Int) -> Value) -> [Value] {
        guard count > 1 else { return (0..<count).map(make) }
        let results = Mutex([Value?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let value = make(index)
            results.withLock { $0[index] = value }
        }
        // Every iteration has left one.
        return results.withLock { $0 }.compactMap { $0 }
    }

    /// `transform` of each element, in order; throws the first failure by place.
    public static func map<Element: Sendable, Value: Sendable, Failure: Error>(
        _ elements: [Element], _ transform: @Sendable (Element) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let results = map(elements.count) { index -> Result<Value, Failure> in
            do throws(Failure) {
                return .success(try transform(elements[index]))
            } catch {
                return .failure(error)
            }
        }
        var values: [Value] = []
        for result in results { values.append(try result.get()) }
        return values
    }
}
