import EventModel
import EventStore

/// The values of groups that are about to be destroyed, by which copies are found in places that know no events.
struct DestroyedValues {
    /// Shorter values are words that anything holds.
    static let shortest = 6
    /// Values looked for at most; of an erasure with more, these are the first.
    static let maximum = 10_000

    /// Fields that name somebody or something; the others are vocabulary, numbers and dates.
    private static let telling: Set<Field> = [
        .actorID, .actorName, .actorEmail, .actorCredential, .clientIP, .clientChain, .clientName, .resourceID,
        .resourceName, .resourceURL, .targetsID, .targetsName, .targetsURL, .outcomeReason, .ext,
    ]

    private var seen: Set<[UInt8]> = []
    private var count = 0
    /// By the name of the source.
    private(set) var bySource: [String: [[UInt8]]] = [:]

    /// Takes what an event has of the groups.
    mutating func add(_ view: SealedView, _ groups: Set<FieldGroup>) {
        let source = view.text(.sourceName) ?? ""
        for entry in view.entries where groups.contains(entry.field.group) && Self.telling.contains(entry.field) {
            add(Array(entry.value), of: source)
        }
        if groups.contains(.raw), let payload = view.payload { add(Array(payload), of: source) }
    }

    private mutating func add(_ value: [UInt8], of source: String) {
        guard value.count >= Self.shortest, count < Self.maximum, seen.insert(Array(source.utf8) + [0] + value).inserted
        else { return }
        count += 1
        bySource[source, default: []].append(value)
    }
}
