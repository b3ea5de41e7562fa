import EventModel

/// What a person is typing at a place in a query, and what could stand there.
///
/// Pure: names come from the language, values of fields from the store, which is asked with ``Expectation/value(_:prefix:)``.
/// The text may be unfinished or wrong anywhere.
package struct QueryCompletion: Hashable, Sendable {
    package enum Expectation: Hashable, Sendable {
        /// The name of a field or column, or a word to search for; candidates end in a colon where a value follows.
        case field
        /// A value of the field that begins with the prefix, unescaped. Candidates hold the values of closed lists only.
        case value(FieldReference, prefix: String)
        /// The name of a stage.
        case stage
        /// The name of an aggregate.
        case aggregate
        /// Something with no candidates: a number, a phrase, a name to give.
        case nothing
    }

    package let expectation: Expectation
    /// The part of the text, in characters from 0, that a chosen candidate replaces; it ends at the cursor.
    package let replaced: Range<Int>
    /// What fits what is typed already, best first.
    package let candidates: [String]

    /// - Parameters:
    ///   - text: the query so far; nothing is read beyond ``QueryLimits/textLength``.
    ///   - cursor: the number of characters before the cursor; held within the text.
    /// - Complexity: linear in the text.
    package init(_ text: String, cursor: Int) {
        guard text.utf8.count <= QueryLimits.textLength else {
            self.init(.nothing, replacing: 0..<0)
            return
        }
        let before = String(text.prefix(max(0, cursor)))
        let parts = CompletionSplitter(before)
        let length = before.count
        func completion(_ expectation: Expectation, _ typed: String, _ names: [String]) -> QueryCompletion {
            let start = length - typed.count
            let fitting = names.filter { $0.lowercased().hasPrefix(typed.lowercased()) && $0 != typed }
            return QueryCompletion(expectation, replacing: max(0, start)..<length, fitting)
        }
        if parts.isInsideQuotes, parts.stageIndex > 0 {
            self.init(.nothing, replacing: length..<length)
            return
        }
        switch parts.stageIndex == 0 ? .filter : CompletionSlot(stage: parts.stage) {
        case .stage(let typed): self = completion(.stage, typed, QueryParser.stageNames)
        case .aggregate(let typed):
            self = completion(.aggregate, typed, AggregateFunction.allCases.map(\.rawValue))
        case .field(let typed): self = completion(.field, typed, Self.names(in: parts))
        case .nothing: self.init(.nothing, replacing: length..<length)
        case .filter: self = Self.term(in: parts, length: length, completion)
        }
    }

    private init(_ expectation: Expectation, replacing replaced: Range<Int>, _ candidates: [String] = []) {
        self.expectation = expectation
        self.replaced = replaced
        self.candidates = candidates
    }

    private static func term(
        in parts: CompletionSplitter, length: Int,
        _ completion: (Expectation, String, [String]) -> QueryCompletion
    ) -> QueryCompletion {
        guard let value = parts.value else {
            if parts.isInsideQuotes { return QueryCompletion(.nothing, replacing: length..<length) }
            return completion(.field, parts.term, names(in: parts).map { $0.hasSuffix(".") ? $0 : $0 + ":" })
        }
        guard let reference = reference(value.field, in: parts) else {
            return QueryCompletion(.nothing, replacing: length..<length)
        }
        let names = ClosedVocabulary.values(of: reference)
        return completion(.value(reference, prefix: value.prefix), value.typed, names)
    }

    private static func names(in parts: CompletionSplitter) -> [String] {
        shape(before: parts).columns?.map(\.name) ?? FieldName.all + ["raw.", "ext."]
    }

    private static func reference(_ name: String, in parts: CompletionSplitter) -> FieldReference? {
        var parser = try? QueryParser(text: name + ":", now: Timestamp(rawValue: 0))
        parser?.shape = shape(before: parts)
        return try? parser?.fieldBeforeColon()
    }

    /// What the stages before the one being typed make; events when they are wrong.
    private static func shape(before parts: CompletionSplitter) -> QueryShape {
        guard parts.stageIndex > 1, let query = try? Query(parsing: parts.finished, now: Timestamp(rawValue: 0)) else {
            return .events
        }
        return query.shape
    }
}
