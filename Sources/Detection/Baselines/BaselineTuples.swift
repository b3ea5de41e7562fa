import EventModel

/// The combinations of values that one event gives a baseline. Fields with as many values as each other go together value by
/// value (the digest of each package with that package), a field with one value goes with all of them, and otherwise the
/// first values count.
struct BaselineTuples {
    private let folded: [[[UInt8]]]
    private let per: Int
    /// How many there are; none when a field of `per` is missing, or all fields of `of` are.
    let count: Int

    init(_ observation: StateObservation, input: Int, fields: [BaselineField], per: Int) {
        self.per = per
        var values: [[[UInt8]]] = []
        for (place, field) in fields.enumerated() {
            var own: [[UInt8]] = []
            observation.forEachValue(of: place, input: input) { value in
                guard own.count < BaselineLimits.tuples else { return }
                own.append(Self.transformed(value, field.transform))
            }
            values.append(own)
        }
        let hasSubject = values[..<per].allSatisfy { !$0.isEmpty }
        let hasMember = per == fields.count || values[per...].contains { !$0.isEmpty }
        // That one of several values is missing is a habit, too.
        for place in values.indices where values[place].isEmpty { values[place] = [[]] }
        folded = values
        let several = Set(values.map(\.count)).subtracting([1])
        count = hasSubject && hasMember ? (several.count == 1 ? several.first ?? 1 : 1) : 0
    }

    private func value(_ field: Int, _ tuple: Int) -> [UInt8] {
        let values = folded[field]
        return values.count == 1 ? values[0] : values[min(tuple, values.count - 1)]
    }

    /// Whose habits a tuple is about.
    func subject(_ tuple: Int, _ cache: inout DigestCache) -> ValueDigest {
        cache.digest((0..<per).map { value($0, tuple) })
    }

    /// What is habitual about it.
    func member(_ tuple: Int, _ cache: inout DigestCache) -> ValueDigest {
        guard per < folded.count else { return ValueDigest(high: 0, low: 0) }
        return cache.digest((per..<folded.count).map { value($0, tuple) })
    }

    /// A field's value for people to read.
    func text(
        of field: Int, _ tuple: Int, _ observation: StateObservation, input: Int, _ transform: BaselineField.Transform
    ) -> String {
        guard transform == .none else { return String(decoding: value(field, tuple), as: UTF8.self) }
        let wanted = folded[field].count == 1 ? 0 : tuple
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
