/// A path into the payload: `raw.requestObject.spec.hostNetwork` has three segments.
///
/// Dots separate segments; a dot or another odd character inside a key is escaped (`raw.labels.app\.kubernetes\.io/name`)
/// or quoted in brackets (`raw.labels["app.kubernetes.io/name"]`). Senders' keys hold dots so often that an executor
/// looks for a literal key with the dots first: at each object it tries the remaining segments joined by dots, longest
/// first, and then shorter ones. An array matches when any member does, at each level.
package struct PayloadPath: Hashable, Sendable {
    /// The keys, unescaped; never empty, none of them empty.
    package let segments: [String]

    package init(_ segments: [String]) {
        precondition(!segments.isEmpty, "a path has a segment")
        self.segments = segments
    }
}
