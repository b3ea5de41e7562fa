import EventModel

/// Where the values of a rule's field are found: in the payload, then among the canonical fields.
struct FieldAccess: Sendable {
    enum Canonical: Sendable {
        case field(Field)
        /// `ext.KEY`: the key's bytes.
        case extensionKey([UInt8])
    }

    /// Empty for a name that is canonical only.
    let paths: [PayloadPath]
    let canonical: Canonical?
    let isAnywhere: Bool
    /// Whether it is the payload itself: an element of an array.
    let isElement: Bool

    private static let reservedPrefix = "custody."

    /// - Parameter payloadOnly: Whether canonical fields are out of sight.
    init(_ target: PredicateTarget, payloadOnly: Bool = false) {
        guard case .field(let name) = target else {
            paths = []
            canonical = nil
            isAnywhere = target == .anywhere
            isElement = target == .element
            return
        }
        isAnywhere = false
        isElement = false
        let isReserved = name.written.hasPrefix(Self.reservedPrefix)
        let plainName = name.canonical ?? name.written
        let canonicalName = isReserved ? String(name.written.dropFirst(Self.reservedPrefix.count)) : plainName
        canonical = payloadOnly ? nil : Self.canonical(canonicalName)
        // A prefix that leads to no canonical field is an ordinary name of a payload.
        paths =
            isReserved && canonical != nil
            ? [] : name.spellings.map { PayloadPath($0, ignoresCase: name.ignoresCase) }
    }

    private static func canonical(_ name: String) -> Canonical? {
        if let field = Field(path: name) { return field == .ext ? nil : .field(field) }
        guard name.hasPrefix("ext."), name.utf8.count > 4 else { return nil }
        return .extensionKey(Array(name.utf8.dropFirst(4)))
    }
}
