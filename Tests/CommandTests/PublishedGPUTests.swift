import Testing

@testable import mica

/// Which cards' figures stand for which GPUs.
@Suite struct PublishedGPUTests {
    @Test(arguments: [
        ("NVIDIA GeForce RTX 4090", PublishedGPU.rtx4090), ("NVIDIA GeForce RTX 3060", .rtx3060),
        ("NVIDIA H100 80GB HBM3", .h100), ("NVIDIA H200", .h200),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", nil), ("NVIDIA GeForce RTX 3060 Ti", nil),
        ("NVIDIA GeForce RTX 4090 D", nil), ("NVIDIA GeForce RTX 3060 with Max-Q Design", nil),
        ("NVIDIA GeForce RTX 4060", nil), ("NVIDIA GH200 480GB", nil),
    ])
    func modelsAreTheirOwn(_ model: String, _ card: PublishedGPU?) {
        #expect(PublishedGPU(model: model) == card)
    }

    /// A job on several cards is not done before the slowest of them is.
    @Test(arguments: [
        (["NVIDIA H200", "NVIDIA GeForce RTX 4090", "NVIDIA H200"], PublishedGPU.rtx4090),
        (["NVIDIA GeForce RTX 4060", "NVIDIA H100 PCIe"], .h100), (["NVIDIA GB10"], .usual), ([], .usual),
    ])
    func theSlowestCardCounts(_ models: [String], _ card: PublishedGPU) {
        #expect(PlanDevices.card(ofModels: models) == card)
    }
}
