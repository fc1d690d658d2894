/// Blanks comments and string literals, so that rules about code do not stumble over words and braces in them.
struct CodeScanner {
    private let bytes: [UInt8]
    private let isSwift: Bool
    private var output: [UInt8]
    private var position = 0

    /// The text with a space for each byte of comments and of the contents of string literals; line ends stay.
    static func blanked(_ bytes: [UInt8], isSwift: Bool) -> [UInt8] {
        var scanner = CodeScanner(bytes: bytes, isSwift: isSwift)
        while scanner.position < bytes.count { scanner.step() }
        return scanner.output
    }

    private init(bytes: [UInt8], isSwift: Bool) {
        self.bytes = bytes
        self.isSwift = isSwift
        output = bytes
    }

    /// Passes over one comment, one literal or one byte of code.
    private mutating func step() {
        if starts("//") {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
        } else if starts("/*") {
            blankBlockComment()
        } else if let pounds = stringStart() {
            blankString(pounds)
        } else if !isSwift, starts("'") {
            blankCharacter()
        } else {
            position += 1
        }
    }

    private mutating func blankBlockComment() {
        var depth = 0
        repeat {
            if starts("/*"), depth == 0 || isSwift {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < bytes.count
    }

    /// The number of `#` before a quote if a string literal starts here.
    private func stringStart() -> Int? {
        var end = position
        while isSwift, end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
        return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - position : nil
    }

    private mutating func blankString(_ pounds: Int) {
        position += pounds
        let fence = String(repeating: "#", count: pounds)
        let isMultiline = isSwift && starts("\"\"\"")
        let end = (isMultiline ? "\"\"\"" : "\"") + fence
        position += isMultiline ? 3 : 1
        while position < bytes.count {
            if starts(end) {
                position += end.utf8.count
                return
            } else if starts("\\" + fence + "("), isSwift {
                blank(2 + pounds)
                blankInterpolation()
            } else if starts("\\" + fence) {
                blank(2 + pounds)
            } else {
                blank()
            }
        }
    }

    /// The rest of an interpolation up to its closing parenthesis; it may hold strings of its own.
    private mutating func blankInterpolation() {
        var depth = 1
        while depth > 0, position < bytes.count {
            if let pounds = stringStart() {
                let first = position
                blankString(pounds)
                for index in first..<position where bytes[index] != UInt8(ascii: "\n") {
                    output[index] = UInt8(ascii: " ")
                }
                continue
            }
            if starts("(") { depth += 1 }
            if starts(")") { depth -= 1 }
            blank()
        }
    }

    private mutating func blankCharacter() {
        position += 1
        while position < bytes.count, !starts("'"), !starts("\n") { blank(starts("\\") ? 2 : 1) }
        position += 1
    }

    private func starts(_ text: String) -> Bool {
        var index = position
        for byte in text.utf8 {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] != UInt8(ascii: "\n") { output[position] = UInt8(ascii: " ") }
            position += 1
        }
    }
}
