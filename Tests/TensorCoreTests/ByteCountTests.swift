import TensorCore
import Testing

struct ByteCountTests {
    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"),
        (3 << 29, "1.5 GiB"), (1 << 40, "1.0 TiB"), (5 << 50, "5120.0 TiB"),
    ])
    func printsAsPeopleReadIt(_ bytes: Int, _ text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    /// One clear line, with the numbers and what to do.
    @Test func outOfMemorySaysWhatToDo() {
        let error = TensorError.outOfMemory(
            operation: "attention", neededBytes: 3 << 20, usedBytes: 1 << 30, limitBytes: 1 << 30)
        #expect(
            error.description
                == "out of memory in attention: 3.0 MiB more are needed, 1.0 GiB are in use, the limit is 1.0 GiB;"
                + " ask for a lower resolution or fewer layers")
    }
}
