/// Reads the text of a query scalar by scalar. Positions are counted in scalars; errors are given in characters.
struct QueryScanner {
    let scalars: [Unicode.Scalar]
    var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    var isAtEnd: Bool { position == scalars.count }

    var next: Unicode.Scalar? { scalar(at: position) }

    func scalar(at index: Int) -> Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }

    mutating func skipSpace() {
        while let next, next.properties.isWhitespace { position += 1 }
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    mutating func take(_ text: String) -> Bool {
        let wanted = text.unicodeScalars
        guard position + wanted.count <= scalars.count,
            scalars[position..<position + wanted.count].elementsEqual(wanted)
        else { return false }
        position += wanted.count
        return true
    }

    /// Whether a term ends at an index: white space, a closing parenthesis, a bar or the end.
    func isBoundary(at index: Int) -> Bool {
        guard let scalar = scalar(at: index) else { return true }
        return scalar == ")" || scalar == "|" || scalar.properties.isWhitespace
    }

    /// The end of the run of scalars from here that satisfy a condition.
    func end(where belongs: (Unicode.Scalar) -> Bool) -> Int {
        scalars[position...].firstIndex { !belongs($0) } ?? scalars.count
    }

    /// Where a scalar first stands in the rest of the term that goes on at an index.
    func place(of scalar: Unicode.Scalar, from index: Int) -> Int? {
        scalars[index...].indices.prefix { !isBoundary(at: $0) }.first { scalars[$0] == scalar }
    }

    func error(
        _ code: QueryError.Code, _ range: Range<Int>, _ reason: String, suggestion: String? = nil
    ) -> QueryError {
        QueryError(
            code: code, column: text(0..<range.lowerBound).count + 1, length: max(1, text(range).count),
            reason: reason, suggestion: suggestion)
    }
}
