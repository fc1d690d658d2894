/// What somebody reads who opens the service's address.
public enum ServiceHint {
    /// A curl command that gives the layers of `picture`, for the service at `url`, through a Unix socket if it listens
    /// on one; with a place for a key if it needs one.
    public static func curl(
        picture: String, url: String, unixSocket: String? = nil, needsKey: Bool = false
    ) -> String {
        let socket = unixSocket.map { "--unix-socket '\($0.replacing("'", with: #"'\''"#))' " } ?? ""
        let key = needsKey ? "-H 'Authorization: Bearer KEY' " : ""
        return "curl \(socket)\(key)-F image=@\(picture) '\(url)\(Route.layers.path)?format=zip' -o layers.zip"
    }

    /// The text at "/"; `host` is how the client calls us, over TLS if `isSecure`.
    static func text(host: [UInt8]?, isSecure: Bool, needsKey: Bool) -> String {
        let scheme = isSecure ? "https" : "http"
        let name = host.map { String(decoding: $0, as: UTF8.self) } ?? "localhost:8080"
        return """
            Mica splits a picture into RGBA layers.

            \(curl(picture: "photo.jpg", url: "\(scheme)://\(name)", needsKey: needsKey))

            Forms of the result (?format= or Accept): multipart, mixed, zip, psd, psb, ora, pptx, sheet, json.
            Every parameter is described in \(Route.description.path).

            """
    }
}
