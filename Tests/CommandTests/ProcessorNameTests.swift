import Testing

@testable import mica

/// The name under which a machine's rates are kept.
@Suite struct ProcessorNameTests {
    private static let x86 = """
        processor\t: 0
        model\t\t: 17
        model name\t: AMD EPYC 9R14: 96-Core
        processor\t: 1
        model name\t: another
        """

    /// A Graviton's: it has no name.
    private static let arm = """
        processor\t: 0
        BogoMIPS\t: 2100.00
        CPU implementer\t: 0x41
        CPU architecture: 8
        CPU variant\t: 0x0
        CPU part\t: 0xd4f
        CPU revision\t: 1
        """

    @Test(arguments: [
        (x86, "AMD EPYC 9R14: 96-Core"), (arm, "ARM 0x41 0xd4f 0x0 1"), ("processor\t: 0\n", nil), ("", nil),
    ])
    func modelsAreToldApart(_ text: String, _ name: String?) {
        #expect(ProcessorName.found(in: text) == name)
    }
}
