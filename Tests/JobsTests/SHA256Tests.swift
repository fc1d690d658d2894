import Jobs
import Testing

struct SHA256Tests {
    /// The examples of FIPS 180-2, appendix B, and of nothing at all.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownDigests(_ text: String, _ digest: String) {
        #expect(hexadecimal(SHA256.digest(of: Array(text.utf8))) == digest)
    }

    @Test func thousandsOfBytes() {
        let bytes = [UInt8](repeating: 0x61, count: 10_000)
        let digest = "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711"
        #expect(hexadecimal(SHA256.digest(of: bytes)) == digest)
    }

    @Test func piecesGiveTheSameAsTheWhole() {
        let bytes = (0..<200).map { UInt8($0) }
        let whole = SHA256.digest(of: bytes)
        for cut in stride(from: 0, through: 200, by: 7) {
            var hash = SHA256()
            hash.update(Array(bytes[..<cut]))
            hash.update([])
            hash.update(Array(bytes[cut...]))
            #expect(hash.finalize() == whole)
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
