/// The language that a caption is written in.
public enum CaptionLanguage: String, Sendable, CaseIterable {
    case english = "en"
    case chinese = "zh"
}
