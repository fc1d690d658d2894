import Logging

/// What is remembered of one request and its answer; nothing of their content.
public struct Exchange: Sendable, Equatable {
    /// Nil if the head could not be read.
    public let method: String?
    /// Without the query, which may hold a prompt.
    public let path: String?
    /// Nil if the client went before there was an answer.
    public let status: Int?
    /// Bytes of the answer's body.
    public let responseBytes: Int
    /// From the request's first byte to the answer.
    public let seconds: Double
    public let id: String

    private static func level(_ status: Int?) -> Logger.Level { (status ?? 0) >= 500 ? .warning : .info }

    /// To be asked before the texts of an exchange are made.
    static func isLogged(status: Int?, to logger: Logger) -> Bool { logger.logLevel <= level(status) }

    /// One line; refusals and failures of ours stand out.
    func log(to logger: Logger) {
        guard Self.isLogged(status: status, to: logger) else { return }
        logger.log(
            level: Self.level(status), status == nil ? "client gone" : "request",
            metadata: [
                "method": "\(method ?? "-")", "path": "\(path ?? "-")", "status": "\(status ?? 0)",
                "bytes": "\(responseBytes)", "seconds": "\((seconds * 1e6).rounded() / 1e6)", "request_id": "\(id)",
            ])
    }
}
