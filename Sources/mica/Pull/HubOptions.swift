import ArgumentParser
import Foundation
import ModelHub

/// Which hub, and who asks.
struct HubOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The hub; if not given, $HF_ENDPOINT or \(HubAddress.huggingFace).", valueName: "address"))
    var endpoint: String?

    @Option(
        help: ArgumentHelp(
            """
            A file with the token for repositories that want one; if not given, $HF_TOKEN, or the file that `hf auth \
            login` writes.
            """,
            valueName: "file"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Certificate authorities in PEM; if not given, $SSL_CERT_FILE or the system's.", valueName: "file"))
    var caFile: String?

    private static let offline = "HF_HUB_OFFLINE"
    private static let longestToken = 4096

    /// The hub with what the options and the environment say. Throws `offline` if the latter forbids to ask it.
    func address() throws(HubError) -> HubAddress {
        let environment = ProcessInfo.processInfo.environment
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let flag = value(Self.offline), ["1", "true", "yes", "on"].contains(flag.lowercased()) {
            throw .offline(variable: Self.offline)
        }
        let authorities = caFile ?? value("SSL_CERT_FILE") ?? value("CURL_CA_BUNDLE")
        if let authorities, !FileManager.default.isReadableFile(atPath: authorities) {
            throw .file(path: authorities, operation: "read", reason: "there is no such file, or it is not ours")
        }
        return try HubAddress(
            endpoint: endpoint ?? value("HF_ENDPOINT") ?? HubAddress.huggingFace, token: try token(value),
            authorities: authorities)
    }

    private func token(_ value: (String) -> String?) throws(HubError) -> String? {
        if let tokenFile {
            guard let token = Self.read(tokenFile) else {
                throw .file(path: tokenFile, operation: "read", reason: "there is no token in it")
            }
            return token
        }
        if let token = value("HF_TOKEN") { return token.trimmingCharacters(in: .whitespacesAndNewlines) }
        return Self.read(value("HF_TOKEN_PATH").map { HomePath.expanded($0) } ?? "\(LocalModels().hubHome)/token")
    }

    private static func read(_ path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: longestToken)
        else { return nil }
        let token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return token.isEmpty ? nil : token
    }
}
