import Foundation
import Testing

@testable import QwenImage

/// The fixed texts, and the choice of tokens.
@Suite struct TextEncoderPromptTests {
    private struct Prompts: Decodable {
        let captionChinese: String
        let captionEnglish: String
        let template: String
        let start: Int

        enum CodingKeys: String, CodingKey {
            case captionChinese = "image_caption_prompt_cn"
            case captionEnglish = "image_caption_prompt_en"
            case template = "prompt_template_encode"
            case start = "prompt_template_encode_start_idx"
        }
    }

    @Test func promptsAreTheReferencesByteForByte() throws {
        let prompts = try JSONDecoder().decode(
            Prompts.self, from: Data(contentsOf: TextEncoderGolden.fixture("textencoder/prompts.json")))
        #expect(Array(PromptTemplate.caption(.english).utf8) == Array(prompts.captionEnglish.utf8))
        #expect(Array(PromptTemplate.caption(.chinese).utf8) == Array(prompts.captionChinese.utf8))
        let filled = prompts.template.replacingOccurrences(of: "{}", with: "a {} b")
        #expect(Array(PromptTemplate.encode("a {} b").utf8) == Array(filled.utf8))
        #expect(PromptTemplate.droppedTokenCount == prompts.start)
    }

    @Test func putsThePictureIntoTheCaptionPrompt() throws {
        let tokenizer = try Tokenizer(folder: TextEncoderGolden.fixture("golden/checkpoints/tiny/tokenizer"))
        let imageTokenID = try #require(tokenizer.id(of: "<|image_pad|>"))
        let grid = PatchGrid(height: 4, width: 6, mergeSize: 2)
        let prompt = try CaptionPrompt(
            language: .chinese, grid: grid, tokenizer: tokenizer, imageTokenID: imageTokenID)
        #expect(prompt.imageRange.count == 6)
        #expect(prompt.tokenIDs.filter { $0 == imageTokenID }.count == 6)
        #expect(prompt.tokenIDs[prompt.imageRange].allSatisfy { $0 == imageTokenID })
        #expect(throws: PipelineError.self) {
            try CaptionPrompt(language: .english, grid: grid, tokenizer: tokenizer, imageTokenID: imageTokenID + 1)
        }
    }

    @Test func coversAllRowsInParts() {
        #expect(Array(RowChunks(0, rowsAtOnce: 1024)).isEmpty)
        #expect(Array(RowChunks(1024, rowsAtOnce: 1024)) == [0..<1024])
        #expect(Array(RowChunks(2050, rowsAtOnce: 1024)) == [0..<1024, 1024..<2048, 2048..<2050])
    }

    @Test func takesTheFirstBestToken() {
        var choice = TokenChoice(repetitionPenalty: 1, prompt: [0, 1])
        #expect(choice.next([1, 3, 3, 2]) == 1)
        #expect(choice.next([-5, -3, -4, -9]) == 1)
        #expect(choice.next([7]) == 0)
        #expect(choice.next([1, .nan, 2]) == nil)
    }

    @Test func penalisesEveryTokenThatWasThere() {
        // Token 1 is in the prompt twice and is penalised once: 3 / 1.5 = 2 < 2.5.
        var positive = TokenChoice(repetitionPenalty: 1.5, prompt: [1, 1])
        #expect(positive.next([0, 3, 2.5, 0]) == 2)
        // Now 2 was there too: 2.5 / 1.5 and 3 / 1.5.
        #expect(positive.next([0, 3, 2.5, 0]) == 1)
        // Below zero the penalty makes smaller: -1 * 1.5 < -1.2.
        var negative = TokenChoice(repetitionPenalty: 1.5, prompt: [0])
        #expect(negative.next([-1, -1.2, -3]) == 1)
    }

    @Test func stripsWhatPythonStrips() {
        #expect(" \n\t\u{1C}\u{3000}\u{A0} a b \u{2028}\u{1F}\r\n".strippingWhiteSpace() == "a b")
        #expect("\u{200B}a".strippingWhiteSpace() == "\u{200B}a")
        #expect("   ".strippingWhiteSpace().isEmpty)
    }
}
