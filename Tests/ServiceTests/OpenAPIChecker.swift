import Foundation
import HTTPProtocol
import Testing
import Yams

/// Holds answers against `openapi.yaml`: status, media type, fields and JSON must be as it says.
struct OpenAPIChecker {
    static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("openapi.yaml")

    let document: [String: Any]

    init() throws {
        document = try #require(
            try Yams.load(yaml: String(contentsOf: Self.file, encoding: .utf8)) as? [String: Any])
    }

    var paths: [String: [String: Any]] { document["paths"] as? [String: [String: Any]] ?? [:] }

    var schemas: [String: [String: Any]] {
        (document["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]] ?? [:]
    }

    /// What is wrong with an answer to `method` at `path`, which is written as in the document.
    func problems(_ answer: TestClient.Answer, _ method: String, _ path: String) -> [String] {
        let place = "\(method) \(path) \(answer.status)"
        guard let operation = paths[path]?[method.lowercased()] as? [String: Any],
            let responses = operation["responses"] as? [String: Any],
            let response = responses["\(answer.status)"].map({ resolved($0) })
        else { return ["\(place): not documented"] }
        var problems: [String] = []
        for (name, header) in response["headers"] as? [String: Any] ?? [:] {
            let value = answer.fields[name.lowercased()]
            let header = resolved(header)
            if header["required"] as? Bool == true, value == nil { problems.append("\(place): no \(name)") }
            if let value, let schema = header["schema"] {
                problems += self.problems(Int(value).map { $0 as Any } ?? value, schema, "\(place) \(name)")
            }
        }
        let contents = response["content"] as? [String: Any] ?? [:]
        guard let type = answer.fields["content-type"].flatMap({ MediaType($0)?.essence }) else {
            if !contents.isEmpty { problems.append("\(place): no Content-Type") }
            return problems
        }
        guard let content = contents[type] as? [String: Any] else {
            return problems + ["\(place): \(type) is not documented"]
        }
        if type.hasSuffix("json"), let schema = content["schema"] {
            let value = try? JSONSerialization.jsonObject(with: Data(answer.body))
            problems += self.problems(value ?? "no JSON", schema, place)
        }
        return problems
    }

    /// What is wrong with a JSON value by a schema.
    func problems(_ value: Any, _ schema: Any, _ place: String) -> [String] {
        let schema = resolved(schema)
        var problems: [String] = []
        if let type = schema["type"] {
            let names = type as? [String] ?? [type as? String ?? ""]
            guard names.contains(where: { Self.matches(value, type: $0) }) else {
                return ["\(place): \(value) is no \(names)"]
            }
        }
        if let known = schema["enum"] as? [String], let text = value as? String, !known.contains(text) {
            problems.append("\(place): \(text) is not one of \(known)")
        }
        if let only = schema["const"] as? String, value as? String != only {
            problems.append("\(place): \(value) is not \(only)")
        }
        if let text = value as? String {
            if let pattern = schema["pattern"] as? String, (try? Regex(pattern).firstMatch(in: text)) == nil {
                problems.append("\(place): \(text) does not match \(pattern)")
            }
            if schema["format"] as? String == "date-time", ISO8601DateFormatter().dateWithFraction(text) == nil {
                problems.append("\(place): \(text) is no time")
            }
        } else if let number = value as? NSNumber {
            if let least = (schema["minimum"] as? NSNumber)?.doubleValue, number.doubleValue < least {
                problems.append("\(place): \(number) < \(least)")
            }
            if let most = (schema["maximum"] as? NSNumber)?.doubleValue, number.doubleValue > most {
                problems.append("\(place): \(number) > \(most)")
            }
        }
        if let object = value as? [String: Any] { problems += self.problems(object, schema, place) }
        if let list = value as? [Any], let items = schema["items"] {
            for (index, item) in list.enumerated() { problems += self.problems(item, items, "\(place)[\(index)]") }
        }
        return problems
    }

    private func problems(_ object: [String: Any], _ schema: [String: Any], _ place: String) -> [String] {
        var problems: [String] = []
        for name in schema["required"] as? [String] ?? [] where object[name] == nil {
            problems.append("\(place): no \(name)")
        }
        guard let properties = schema["properties"] as? [String: Any] else { return problems }
        for (name, value) in object {
            if let property = properties[name] {
                problems += self.problems(value, property, "\(place).\(name)")
            } else {
                // Stricter than the document: what we send is described.
                problems.append("\(place): \(name) is not described")
            }
        }
        return problems
    }

    func resolved(_ value: Any) -> [String: Any] {
        guard let object = value as? [String: Any] else { return [:] }
        guard let reference = object["$ref"] as? String else { return object }
        var found: Any = document
        for name in reference.dropFirst(2).split(separator: "/") {
            found = (found as? [String: Any])?[String(name)] ?? [:]
        }
        return resolved(found)
    }

    private static func matches(_ value: Any, type: String) -> Bool {
        let isBoolean = (value as? NSNumber).map { CFBooleanLike.isBoolean($0) } ?? false
        return switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "boolean": isBoolean
        case "integer": (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } == true && !isBoolean
        case "number": value is NSNumber && !isBoolean
        case "null": value is NSNull
        default: false
        }
    }
}

/// Tells `true` from 1, which are both numbers to Foundation.
enum CFBooleanLike {
    static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}

extension ISO8601DateFormatter {
    func dateWithFraction(_ text: String) -> Date? {
        formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return date(from: text)
    }
}
