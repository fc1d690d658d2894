import Digests
import Testing

struct DigestTests {
    /// The examples of FIPS 180-2, appendices A and B, and of nothing at all.
    @Test(arguments: [
        (Digest.Algorithm.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (.sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            .sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
    ])
    func knownDigests(_ algorithm: Digest.Algorithm, _ text: String, _ expected: String) {
        var digest = Digest(algorithm)
        digest.update(Array(text.utf8))
        #expect(Digest.hexadecimal(digest.finalize()) == expected)
    }

    @Test func thousandsOfBytes() {
        let bytes = [UInt8](repeating: 0x61, count: 10_000)
        let digest = "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711"
        #expect(Digest.hexadecimal(Digest.sha256(of: bytes)) == digest)
    }

    @Test(arguments: [Digest.Algorithm.sha1, .sha256])
    func piecesGiveTheSameAsTheWhole(_ algorithm: Digest.Algorithm) {
        let bytes = (0..<200).map { UInt8($0) }
        var whole = Digest(algorithm)
        whole.update(bytes)
        let expected = whole.finalize()
        for cut in stride(from: 0, through: 200, by: 7) {
            var digest = Digest(algorithm)
            digest.update(Array(bytes[..<cut]))
            digest.update([])
            digest.update(Array(bytes[cut...]))
            #expect(digest.finalize() == expected)
        }
    }
}
