import QueryLanguage

/// A mistake in a query, shown in its text.
struct QueryErrorText {
    private let error: QueryError
    private let before: String
    private let wrong: String
    private let after: String

    init(_ error: QueryError, in text: String) {
        self.error = error
        let characters = Array(text)
        let start = min(max(0, error.column - 1), characters.count)
        let end = min(start + max(1, error.length), characters.count)
        before = String(characters[..<start])
        wrong = String(characters[start..<end])
        after = String(characters[end...])
    }

    func data(_ ask: SearchAsk) -> PageData {
        .of([
            "reason": Page.sentence(error.reason), "column": String(error.column), "before": before,
            "wrong": wrong.isEmpty ? " " : wrong, "after": after, "suggestion": error.suggestion,
            "corrected": error.suggestion.map { ask.path(q: before + $0 + after) },
        ])
    }
}
