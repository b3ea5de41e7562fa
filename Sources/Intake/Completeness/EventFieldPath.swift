package import EventModel

/// Where a value of an event stands, in the words of the query language: `raw.PATH`, `ext.KEY` or a canonical field.
package struct EventFieldPath: Hashable, Sendable {
    private enum Place: Hashable, Sendable {
        case field(Field)
        case ext([UInt8])
        case raw([[UInt8]])
    }

    /// Bytes of a name; payloads nest less deep.
    package static let maximumBytes = 256

    package let text: String
    private let place: Place

    /// Nil for a name that is none.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        if text.hasPrefix("raw.") {
            let keys = text.dropFirst(4).split(separator: ".", omittingEmptySubsequences: false)
            guard keys.allSatisfy({ !$0.isEmpty }) else { return nil }
            place = .raw(keys.map { Array($0.utf8) })
        } else if text.hasPrefix("ext.") {
            guard text.utf8.count > 4 else { return nil }
            place = .ext(Array(text.utf8.dropFirst(4)) + [0])
        } else {
            guard let field = Field(path: text), field != .ext, field.type != .time else { return nil }
            place = .field(field)
        }
        self.text = text
    }

    /// Whether the payload has to be read for it.
    package var needsPayload: Bool {
        if case .raw = place { true } else { false }
    }

    /// The value's text; nil when it is absent, empty or no scalar.
    ///
    /// - Parameter payload: The payload's root, for a path that needs it.
    package func value(in view: SealedView, payload: JSONValue?) -> String? {
        switch place {
        case .field(let field): return view.text(field)
        case .ext(let prefix):
            for entry in view.entries where entry.field == .ext {
                if prefix.withUnsafeBytes({ entry.value.starts(with: $0) }) {
                    return entry.value.slice(prefix.count..<entry.value.count).text
                }
            }
            return nil
        case .raw(let keys):
            var value = payload
            for key in keys { value = key.withUnsafeBytes { key in value.flatMap { $0[key] } } }
            return value?.scalarText.flatMap { $0.isEmpty ? nil : $0 }
        }
    }
}
