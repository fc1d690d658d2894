import CPUBackend
import Foundation
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// The text encoder against the reference (`tools/make_goldens.py`): two shapes of model, both layouts of a checkpoint.
@Suite struct TextEncoderGoldenTests {
    static let tolerance = 1e-4
    static let cases = [
        "full-tiny", "full-small-tall-alpha", "square-four-layers", "wide-jpeg", "tall-grey-unguided",
        "palette-chinese", "scale-one", "drawn-noise", "two-images", "long-prompt", "caption-english",
        "caption-chinese-penalty",
    ]

    @Test(arguments: cases)
    func embedsPromptsAsTheReference(name: String) throws {
        let golden = try TextEncoderGolden(name)
        let encoder = try golden.textEncoder()
        let observer = RecordingObserver(CPUBackend())
        let prompt = try #require(golden.description.caption ?? golden.description.prompt)
        let embedding = try encoder.encode(prompt, maxSequenceLength: 512, observer: observer)
        let names = golden.tensors.names.filter { $0.hasPrefix("text.layer.") } + ["prompt_embeds"]
        for tensorName in names {
            let expected = try golden.golden(tensorName)
            #expect(observer.shapes[tensorName] == expected.shape)
            #expect(relativeError(observer.values[tensorName] ?? [], expected.values) < Self.tolerance, "\(tensorName)")
        }
        #expect(try CPUBackend().download(embedding) == observer.values["prompt_embeds"])
        if golden.tensors.contains("negative_prompt_embeds") {
            let expected = try golden.golden("negative_prompt_embeds")
            let negative = try encoder.encode(
                try #require(golden.description.negativePrompt), maxSequenceLength: 512)
            #expect([1] + negative.shape.dimensions == expected.shape.dimensions)
            #expect(relativeError(try CPUBackend().download(negative), expected.values) < Self.tolerance)
        }
    }

    @Test(arguments: [("full-tiny", "en"), ("full-small-tall-alpha", "en"), ("caption-chinese-penalty", "cn")])
    func seesPicturesAsTheReference(name: String, language: String) throws {
        let golden = try TextEncoderGolden(name)
        let observer = RecordingObserver(CPUBackend())
        _ = try golden.textEncoder().caption(
            golden.resizedImage(), language: language == "en" ? .english : .chinese, maxNewTokens: 1,
            observer: observer)
        for tensorName in ["vision.pixel_values", "vision.features", "caption.logits_last"]
        where golden.tensors.contains(tensorName) {
            let expected = try golden.golden(tensorName)
            #expect(observer.shapes[tensorName] == expected.shape)
            #expect(relativeError(observer.values[tensorName] ?? [], expected.values) < Self.tolerance, "\(tensorName)")
        }
        #expect(observer.shapes["caption.logits_last"] != nil)
    }

    @Test(
        arguments: [
            ("full-tiny", "en"), ("full-tiny", "cn"), ("full-small-tall-alpha", "en"),
            ("full-small-tall-alpha", "cn"), ("caption-english", "en"), ("caption-chinese-penalty", "cn"),
        ])
    func writesTheReferencesCaption(name: String, language: String) throws {
        let golden = try TextEncoderGolden(name)
        let expected = try #require(golden.description.captions?[language])
        var reported: [Int] = []
        let caption = try golden.textEncoder().caption(
            golden.resizedImage(), language: language == "en" ? .english : .chinese,
            maxNewTokens: expected.maxNewTokens,
            progress: { done, total in
                #expect(total == expected.maxNewTokens)
                reported.append(done)
            })
        #expect(caption.promptTokenIDs == expected.inputIDs)
        #expect(caption.tokenIDs == expected.generated)
        #expect(Array(caption.text.unicodeScalars) == Array(expected.text.unicodeScalars))
        #expect(reported == Array(1...expected.generated.count))
    }

    /// No end token comes: the bound on new tokens ends the caption.
    @Test func endsAnEndlessCaption() throws {
        let golden = try TextEncoderGolden("caption-endless")
        let expected = try #require(golden.description.captions?["en"])
        let encoder = try golden.textEncoder()
        let caption = try encoder.caption(golden.resizedImage(), language: .english)
        #expect(caption.tokenIDs == expected.generated)
        #expect(caption.tokenIDs.count == 512)
        #expect(Array(caption.text.unicodeScalars) == Array(expected.text.unicodeScalars))
        let shorter = try encoder.caption(golden.resizedImage(), language: .english, maxNewTokens: 9)
        #expect(shorter.tokenIDs == Array(expected.generated.prefix(9)))
    }

    @Test func givesTheSameWhereverWeightsLive() throws {
        let golden = try TextEncoderGolden("full-small-tall-alpha")
        let resident = try golden.textEncoder(plan: .resident)
        let sequential = try golden.textEncoder(plan: .sequential)
        let first = try CPUBackend().download(resident.encode("A red square", maxSequenceLength: 512))
        resident.release()
        let again = try CPUBackend().download(resident.encode("A red square", maxSequenceLength: 512))
        let streamed = try CPUBackend().download(sequential.encode("A red square", maxSequenceLength: 512))
        #expect(first == again)
        #expect(first == streamed)
    }

    @Test func keepsAtMostTheTokensAskedFor() throws {
        let golden = try TextEncoderGolden("full-tiny")
        let encoder = try golden.textEncoder()
        let whole = try encoder.encode("A poster with a red title", maxSequenceLength: 512)
        let cut = try encoder.encode("A poster with a red title", maxSequenceLength: 3)
        #expect(cut.shape == [3, whole.shape[1]])
        #expect(try CPUBackend().download(cut) == CPUBackend().download(whole.rows(0..<3)))
        // Far more tokens than can be kept: the work is bounded, the result as long as may be.
        let long = try encoder.encode(String(repeating: "word 1 ", count: 2000), maxSequenceLength: 1024)
        #expect(long.shape[0] == 1024)
    }

    @Test func stopsWhenCancelled() throws {
        let golden = try TextEncoderGolden("full-tiny")
        let encoder = try golden.textEncoder()
        let cancellation = Cancellation()
        var tokens = 0
        let captionError = #expect(throws: PipelineError.self) {
            try encoder.caption(
                golden.resizedImage(), language: .english, cancellation: cancellation,
                progress: { done, _ in
                    tokens = done
                    if done == 3 { cancellation.cancel() }
                })
        }
        #expect(captionError?.description == PipelineError.cancelled.description)
        #expect(tokens == 3)
        let promptError = #expect(throws: PipelineError.self) {
            try encoder.encode("A poster", maxSequenceLength: 512, cancellation: cancellation)
        }
        #expect(promptError?.description == PipelineError.cancelled.description)
    }
}
