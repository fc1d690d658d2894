import ServiceAPI
import Testing

/// The command that people are told to try.
struct ServiceHintTests {
    @Test(arguments: [
        (nil, false, "curl -F image=@p.png 'http://h:1/v1/layers?format=zip' -o layers.zip"),
        (
            "/run/mica.sock", false,
            "curl --unix-socket '/run/mica.sock' -F image=@p.png 'http://h:1/v1/layers?format=zip' -o layers.zip"
        ),
        (
            "it's", true,
            #"curl --unix-socket 'it'\''s' -H 'Authorization: Bearer KEY' -F image=@p.png"#
                + " 'http://h:1/v1/layers?format=zip' -o layers.zip"
        ),
    ])
    func worksAsItIs(_ socket: String?, _ needsKey: Bool, _ expected: String) {
        #expect(
            ServiceHint.curl(picture: "p.png", url: "http://h:1", unixSocket: socket, needsKey: needsKey) == expected)
    }
}
