import Hummingbird

extension Request {
    /// A count among the query's parameters; nil when it is absent or empty.
    ///
    /// - Throws: ``Problem`` 400 `invalid_` and the name, for what is no number of the range.
    func count(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = uri.queryParameters[Substring(name)], !text.isEmpty else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Problem.badRequest(
                "invalid_\(name)", "\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Where a page begins, as the answer with the page before it says; nil when it is absent or empty.
    ///
    /// - Throws: ``Problem`` 400 `invalid_cursor`, for what no answer says.
    func cursor() throws -> Int64? {
        guard let text = uri.queryParameters["cursor"], !text.isEmpty else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw Problem.badRequest("invalid_cursor", "the cursor is not one that an answer gave")
        }
        return number
    }
}
