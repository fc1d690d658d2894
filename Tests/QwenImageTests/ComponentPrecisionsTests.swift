import QwenImage
import TensorCore
import Testing

/// The text that says what components' matrices are held in.
@Suite struct ComponentPrecisionsTests {
    @Test(arguments: WeightPrecision.allCases)
    func oneIsForAll(_ precision: WeightPrecision) throws {
        let found = try ComponentPrecisions(text: precision.rawValue)
        #expect(found == ComponentPrecisions(precision) && found.description == precision.rawValue)
        #expect(found.areQuantized == precision.isQuantized)
    }

    private static let texts: [(String, WeightPrecision?, WeightPrecision?)] = [
        ("text_encoder=int4,transformer=fp8", .int4, .fp8),
        ("transformer=int8, text-encoder=bfloat16", .bfloat16, .int8),
        ("text_encoder=int4", .int4, nil), ("transformer=fp8", nil, .fp8),
    ]

    @Test(arguments: texts.indices)
    func componentsHaveTheirOwn(_ index: Int) throws {
        let (text, textEncoder, transformer) = Self.texts[index]
        let found = try ComponentPrecisions(text: text)
        #expect(found.textEncoder == textEncoder && found.transformer == transformer && found.areQuantized)
        #expect(try ComponentPrecisions(text: found.description) == found)
        let forms = WeightForms(found, isRotated: nil)
        #expect(forms.transformer == transformer.map { WeightForm($0, isRotated: nil) })
        #expect(forms.textEncoder?.precision == textEncoder)
    }

    private static let wrong: [(String, ComponentPrecisionError, [String])] = [
        ("", .form(""), ["float32", "int4"]), ("int5", .form("int5"), ["fp8", "text_encoder="]),
        ("FP8", .form("FP8"), ["fp8"]), ("fp8,text_encoder=int4", .form("fp8"), ["text_encoder="]),
        ("text_encoder=int4,", .form(""), ["text_encoder="]),
        ("vae=fp8", .component("vae"), ["text_encoder", "transformer"]),
        ("=fp8", .component(""), ["transformer"]), ("transformer=", .precision(""), ["bfloat16"]),
        ("transformer=q4", .precision("q4"), ["float32", "bfloat16", "fp8", "int8", "int4"]),
        ("transformer=fp8,transformer=fp8", .repeated("transformer"), []),
        ("text_encoder=int4,text-encoder=int8", .repeated("text_encoder"), []),
    ]

    @Test(arguments: wrong.indices)
    func whatIsWrongIsSaid(_ index: Int) {
        let (text, error, words) = Self.wrong[index]
        #expect(throws: error) { try ComponentPrecisions(text: text) }
        for word in words { #expect(error.description.contains(word), "\(error)") }
    }
}
