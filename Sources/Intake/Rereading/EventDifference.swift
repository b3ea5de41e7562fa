package import EventModel

/// One field, or one member of a list, that reads otherwise than it was sealed.
package struct EventDifference: Sendable, Equatable {
    /// As it is typed in a query; a list's member with its number, as `targets.name[1]`.
    package let field: String
    /// Its class, which says who may see it.
    package let group: FieldGroup
    /// As it was sealed; nil when it was absent.
    package let sealed: String?
    /// As it reads now.
    package let now: String?

    /// What says how an event was read, not what it says: these alone make no difference.
    private static let ofReading: Set<Field> = [.normVersion, .normOverlay, .normWarnings]

    /// Whether any field differs.
    static func isThere(between sealed: EventRecord, and record: EventRecord) -> Bool {
        for field in Field.allCases where !ofReading.contains(field) {
            // Their order says nothing.
            guard field != .ext else {
                if sealed.sortedExtensions != record.sortedExtensions { return true }
                continue
            }
            let count = sealed.count(of: field)
            guard count == record.count(of: field) else { return true }
            for element in 0..<count {
                let isSame = sealed.withValue(field, element: element) { value in
                    record.withValue(field, element: element) { $0.hasSameBytes(as: value) } ?? false
                }
                guard isSame ?? !record.hasValue(field, element: element) else { return true }
            }
        }
        return false
    }

    /// Every difference, in the order of the fields.
    package static func all(between sealed: SealedView, and reading: SealedView) -> [EventDifference] {
        let (before, after) = (EventRecord(sealed), EventRecord(reading))
        var differences: [EventDifference] = []
        for field in Field.allCases where !ofReading.contains(field) {
            guard field != .ext else {
                differences += extensions(before, after)
                continue
            }
            for element in 0..<max(before.count(of: field), after.count(of: field)) {
                let (old, new) = (before.shown(field, element), after.shown(field, element))
                guard old != new else { continue }
                differences.append(
                    EventDifference(
                        field: field.isList ? "\(field.path)[\(element)]" : field.path,
                        group: field.group, sealed: old, now: new))
            }
        }
        return differences
    }

    private static func extensions(_ before: EventRecord, _ after: EventRecord) -> [EventDifference] {
        func values(_ record: EventRecord) -> [String: String] {
            Dictionary(record.extensions.map { ($0.key, $0.value) }) { $0 + ", " + $1 }
        }
        let (old, new) = (values(before), values(after))
        return Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }.map {
            EventDifference(field: "ext." + $0, group: Field.ext.group, sealed: old[$0], now: new[$0])
        }
    }
}

extension EventRecord {
    fileprivate func hasValue(_ field: Field, element: Int) -> Bool {
        withValue(field, element: element) { _ in true } ?? false
    }

    fileprivate func shown(_ field: Field, _ element: Int) -> String? {
        if field.type == .time { return time(field)?.text }
        return text(field, element: element)
    }

    fileprivate var sortedExtensions: [String] {
        count(of: .ext) == 0 ? [] : extensions.map { "\($0.key)\0\($0.value)" }.sorted()
    }
}
