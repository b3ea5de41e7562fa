/// A text in which `*` stands for any characters and `?` for one, compared without regard to case: how silences and
/// routes of notifications name entities, sources and tags.
package struct WildcardText: Hashable, Sendable {
    /// Bytes of a pattern: names, not documents.
    package static let maximumBytes = 512

    package let text: String
    private let pattern: [Unicode.Scalar]

    /// - Throws: ``DetectionError`` `invalid_alert_request` when it is empty or longer than ``maximumBytes``.
    package init(_ text: String) throws {
        guard (1...Self.maximumBytes).contains(text.utf8.count) else {
            throw DetectionError(.invalidRequest, "a pattern has 1 to \(Self.maximumBytes) bytes")
        }
        self.text = text
        pattern = Array(text.lowercased().unicodeScalars)
    }

    /// Whether the whole value is like the pattern. Cost: linear in the value for every `*`.
    package func matches(_ value: String) -> Bool {
        let value = Array(value.lowercased().unicodeScalars)
        var (place, position) = (0, 0)
        var star: (place: Int, position: Int)?
        while position < value.count {
            if place < pattern.count, pattern[place] == "*" {
                star = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == "?" || pattern[place] == value[position] {
                place += 1
                position += 1
            } else if let last = star {
                // The last star takes one more; earlier ones never need to.
                star = (last.place, last.position + 1)
                (place, position) = (last.place + 1, last.position + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
