package import EventModel
package import QueryLanguage

/// A filter that decides one event at a time: for live tail and for detection. It answers exactly as a search does.
///
/// Make it once and use it for every event; it is immutable and any number of tasks may use it at once.
package struct EventPredicate: Sendable {
    let filter: CompiledFilter
    /// Whether it looks at paths of the payload, so that parsing the payload is worth while.
    package let readsPayloadPaths: Bool

    /// - Parameter visibleGroups: Fields of other groups behave as absent; without `raw`, the payload is not searched.
    package init(_ filter: Filter, visibleGroups: Set<FieldGroup> = Set(FieldGroup.allCases)) {
        self.init(FilterCompiler(groups: FieldGroupSet(visibleGroups)).compile(filter))
    }

    init(_ filter: CompiledFilter) {
        self.filter = filter
        readsPayloadPaths = filter.readsPayloadPaths
    }

    /// Whether the filter holds for an event whose payload was parsed already.
    ///
    /// - Parameters:
    ///   - index: The leaf index; nil for an event that is not in the ledger yet, for which every `index:` test is false.
    ///   - payload: The root of the payload; nil when the payload is not JSON: then `raw.*` is absent.
    /// - Complexity: one walk over the entries for each field named, one over the payload for each word.
    package func matches(_ view: SealedView, index: LeafIndex?, payload: JSONValue?) -> Bool {
        var evaluation = RecordEvaluation(view: view, index: index, payload: .known(payload))
        return evaluation.evaluate(filter) ?? false
    }

    /// Whether the filter holds. Parses the payload only when the rest of the filter does not decide.
    package func matches(_ view: SealedView, index: LeafIndex?, parser: JSONParser) -> Bool {
        var evaluation = RecordEvaluation(view: view, index: index, payload: .unread)
        if let decided = evaluation.evaluate(filter) { return decided }
        return parser.withPayload(of: view) { matches(view, index: index, payload: $0) }
    }
}

extension JSONParser {
    /// Calls `body` with the root of an event's payload; nil when it was destroyed or is no JSON that Custody accepts.
    ///
    /// - Parameter isChecked: As of ``withDocument(_:isChecked:_:)``.
    func withPayload<Result>(
        of view: SealedView, isChecked: Bool = false, _ body: (JSONValue?) -> Result
    ) -> Result {
        guard let payload = view.payload, Self.mayHavePaths(payload) else { return body(nil) }
        do { return try withDocument(payload, isChecked: isChecked) { body($0) } } catch { return body(nil) }
    }

    private static func mayHavePaths(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard let first = payload.first(where: { $0 > 0x20 }) else { return false }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }
}
