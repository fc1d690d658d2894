import ImageCodecs

extension ServiceError {
    /// What `make` gives; its failures are those of a result that could not be written.
    static func whileEncoding<Value>(_ make: () throws(ImageError) -> Value) throws(ServiceError) -> Value {
        do throws(ImageError) {
            return try make()
        } catch {
            throw .encoding(error)
        }
    }
}
