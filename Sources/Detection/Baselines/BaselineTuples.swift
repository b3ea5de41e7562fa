import EventModel

/// The combinations of values that one event gives a baseline. Fields with as many values as each other go together value by
/// value (the digest of each package with that package), a field with one value goes with all of them, and otherwise the
/// first values count.
struct BaselineTuples {
    private var values = ValueSpans()
    /// By field: where its values begin; and the end.
    private var starts: [Int] = []
    private var per = 0
    /// How many there are; none when a field of `per` is missing, or all fields of `of` are.
    private(set) var count = 0

    /// Takes an event's values; those of the one before are forgotten.
    mutating func load(_ observation: StateObservation, input: Int, fields: [BaselineField], per: Int) {
        self.per = per
        values.removeAll()
        starts.removeAll(keepingCapacity: true)
        var hasSubject = true
        var hasMember = per == fields.count
        // As many values as those fields have that have not just one; -1 where they differ among each other.
        var several = 1
        for (place, field) in fields.enumerated() {
            let start = values.count
            starts.append(start)
            observation.forEachValue(of: place, input: input) { value in
                guard values.count - start < BaselineLimits.tuples else { return }
                Self.append(value, field.transform, to: &values)
            }
            if values.count == start {
                if place < per { hasSubject = false }
                // That one of several values is missing is a habit, too.
                values.append(UnsafeRawBufferPointer(start: nil, count: 0))
            } else if place >= per {
                hasMember = true
            }
            let own = values.count - start
            if own > 1 { several = several == 1 || several == own ? own : -1 }
        }
        starts.append(values.count)
        count = hasSubject && hasMember ? max(several, 1) : 0
    }

    private func place(_ field: Int, _ tuple: Int) -> Int {
        min(starts[field] + tuple, starts[field + 1] - 1)
    }

    private func text(_ field: Int, _ tuple: Int) -> String {
        values.withValue(place(field, tuple)) { String(decoding: $0, as: UTF8.self) }
    }

    /// Whose habits a tuple is about.
    func subject(_ tuple: Int, _ cache: inout DigestCache) -> ValueDigest {
        cache.digest(values, (0..<per).lazy.map { place($0, tuple) })
    }

    /// What is habitual about it.
    func member(_ tuple: Int, _ cache: inout DigestCache) -> ValueDigest {
        guard per < starts.count - 1 else { return ValueDigest(high: 0, low: 0) }
        return cache.digest(values, (per..<starts.count - 1).lazy.map { place($0, tuple) })
    }

    /// A field's value for people to read.
    func text(
        of field: Int, _ tuple: Int, _ observation: StateObservation, input: Int, _ transform: BaselineField.Transform
    ) -> String {
        guard transform == .none else { return text(field, tuple) }
        let wanted = starts[field + 1] - starts[field] == 1 ? 0 : tuple
        var place = 0
        var result = ""
        observation.forEachValue(of: field, input: input, folded: false) { value in
            if place == wanted {
                result = String(decoding: value.prefix(StateObservation.maximumTextBytes), as: UTF8.self)
            }
            place += 1
        }
        return result
    }

    private static func append(
        _ value: UnsafeRawBufferPointer, _ transform: BaselineField.Transform, to values: inout ValueSpans
    ) {
        guard transform != .none else { return values.append(value) }
        transformed(value, transform).withUnsafeBytes { values.append($0) }
    }

    static func transformed(_ value: UnsafeRawBufferPointer, _ transform: BaselineField.Transform) -> [UInt8] {
        switch transform {
        case .none: Array(value)
        case .network: network(value)
        case .package: package(value)
        }
    }

    private static func network(_ value: UnsafeRawBufferPointer) -> [UInt8] {
        guard let address = IPAddress(parsing: value) else { return Array(value) }
        if address.isV4 { return Array("\(IPAddress(value: address.value & ~0xff).text)/24".utf8) }
        return Array("\(IPAddress(value: (address.value >> 64) << 64).text)/64".utf8)
    }

    /// The version stands behind the last `@` of the last segment; that of an npm scope begins one.
    private static func package(_ value: UnsafeRawBufferPointer) -> [UInt8] {
        let end = value.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? value.count
        let bare = value[..<end]
        let segment = bare.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        guard let at = bare.lastIndex(of: UInt8(ascii: "@")), at > segment else { return Array(bare) }
        return Array(bare[..<at])
    }
}
