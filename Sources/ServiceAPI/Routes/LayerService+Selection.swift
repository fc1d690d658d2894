import Digests
import HTTPProtocol
import Jobs

/// What of an answer its client gets, by the conditions and the range of its request. Whatever says its `ETag` has
/// both.
extension LayerService {
    /// The answer to a GET or HEAD request as its conditions and its range have it; every other answer as it is.
    func selected(_ answer: Response, _ head: RequestHead, _ route: Route?) -> Response {
        guard answer.status == 200, ["GET", "HEAD"].contains(head.method),
            let tag = answer.fields.first(where: { $0.name == "ETag" })?.value
        else { return answer }
        let time = answer.fields.first { $0.name == "Last-Modified" }?.value
        let selection = Selection(
            head, entityTag: tag, lastModified: time.flatMap { HTTPDate.seconds(Array($0.utf8)[...]) },
            byteCount: answer.bodyByteCount)
        var selected = answer
        switch selection {
        case .whole: selected.fields.append(("Accept-Ranges", "bytes"))
        case .part(let range):
            selected.status = 206
            selected.fields += [
                ("Accept-Ranges", "bytes"),
                ("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(answer.bodyByteCount)"),
            ]
            selected.keep(range)
        case .notModified:
            selected = Response(status: 304, fields: answer.fields)
            selected.fields.removeAll { ["Content-Type", "Content-Disposition"].contains($0.name) }
        case .preconditionFailed: selected = refusal(.preconditionFailed, route)
        case .unsatisfiable: selected = refusal(.rangeBehindEnd(byteCount: answer.bodyByteCount), route)
        }
        return selected
    }
}

/// Which of a result's forms an answer is. The same form always has the same bytes, so that its name and the time of
/// the result stand for them.
struct ResultIdentity: Sendable {
    private let digest: String
    private let endedAt: JobInstant?

    /// The form of a job's result that `parts` name. Another release may write what is made when it is asked for with
    /// other bytes.
    init(_ job: JobID, endedAt: JobInstant?, version: String, parts: [String]) {
        let text = ([job.description, version] + parts).joined(separator: "\n")
        digest = Digest.hexadecimal(Digest.sha256(of: Array(text.utf8)))
        self.endedAt = endedAt
    }

    /// What stands between the parts of a body of several: whoever made the job could not know it.
    var boundary: String { "mica-\(digest.suffix(35))" }

    /// What a tag begins with. Behind it is the length: should a library of the system write a form in other bytes
    /// after an update, nobody may go on with one where the other broke.
    private var beginning: String { "\(digest.prefix(24))-" }

    /// That the client has this form, if it says so. Nothing has to be made for that: whatever bytes it is in, a tag
    /// that begins so was given to what means the same. `varies` where the form itself says `Vary`.
    func known(to head: RequestHead, varies: Bool) -> Response? {
        guard let tag = head.knownTag(beginning: beginning) else { return nil }
        var answer = Answer.of(.empty, status: 304, type: nil)
        if varies { answer.fields.append(("Vary", "Accept")) }
        sign(&answer, as: tag)
        return answer
    }

    /// Says in an answer what it is.
    func sign(_ answer: inout Response) { sign(&answer, as: "\"\(beginning)\(answer.bodyByteCount)\"") }

    private func sign(_ answer: inout Response, as tag: String) {
        answer.fields.append(("ETag", tag))
        if let endedAt, endedAt.unixMilliseconds >= 0 {
            let seconds = Int(endedAt.unixMilliseconds / 1000)
            answer.fields.append(("Last-Modified", HTTPDate.text(secondsSince1970: seconds)))
        }
    }
}
