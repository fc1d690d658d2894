/// One token id or a list of them, as configurations have it.
struct TokenIDs: Decodable, Equatable {
    let ids: [Int]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let list = try? container.decode([Int].self) {
            ids = list
        } else {
            ids = [try container.decode(Int.self)]
        }
    }
}
