/// What is wrong with the text of a query, and where.
package struct QueryError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        case syntax
        case emptyValue = "empty_value"
        case unbalancedParenthesis = "unbalanced_parenthesis"
        case unterminatedQuote = "unterminated_quote"
        case unknownField = "unknown_field"
        case unknownColumn = "unknown_column"
        case unknownStage = "unknown_stage"
        case unknownAggregate = "unknown_aggregate"
        case malformedRegex = "malformed_regex"
        case malformedAddress = "malformed_address"
        case malformedTime = "malformed_time"
        case malformedNumber = "malformed_number"
        case typeMismatch = "type_mismatch"
        case duplicateColumn = "duplicate_column"
        case outOfRange = "out_of_range"
        case tooLong = "too_long"
        case tooDeep = "too_deep"
        case tooMany = "too_many"
    }

    package let code: Code
    /// Where the mistake begins: 1 is the first character, one past the last means the end of the text.
    package let column: Int
    /// How many characters it spans; at least 1.
    package let length: Int
    /// Lower case, without a final stop. It may quote the query, never stored data.
    package let reason: String
    /// The nearest right name, when a name is wrong.
    package let suggestion: String?
}

extension QueryError: CustomStringConvertible {
    package var description: String {
        let hint = suggestion.map { "; did you mean \($0)?" } ?? ""
        return "column \(column): \(reason)\(hint)"
    }
}
