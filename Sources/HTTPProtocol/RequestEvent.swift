/// What `RequestParser.next()` found.
public enum RequestEvent: Sendable {
    /// The bytes at hand are used up.
    case needsMore
    /// A request begins.
    case head(RequestHead)
    /// Some bytes of its body, never none.
    case body(ArraySlice<UInt8>)
    /// The request is complete; `next()` goes on with the one after it.
    case end
}
