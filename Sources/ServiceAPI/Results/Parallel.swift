import Dispatch
import Synchronization

/// Independent pieces of work, done on all processors at once.
enum Parallel {
    /// `transform` of each element, in order; throws the first failure by place.
    static func map<Element: Sendable, Value: Sendable, Failure: Error>(
        _ elements: [Element], _ transform: @Sendable (Element) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        guard elements.count > 1 else {
            var values: [Value] = []
            for element in elements { values.append(try transform(element)) }
            return values
        }
        let results = Mutex([Result<Value, Failure>?](repeating: nil, count: elements.count))
        DispatchQueue.concurrentPerform(iterations: elements.count) { index in
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try transform(elements[index]))
            } catch {
                result = .failure(error)
            }
            results.withLock { $0[index] = result }
        }
        var values: [Value] = []
        for result in results.withLock({ $0 }) {
            // Every iteration has left one.
            if let result { values.append(try result.get()) }
        }
        return values
    }
}
