package import EventModel

/// Sealed records made up from a seed: the same for the same seed, with every field, lists of several lengths, missing
/// fields, text beyond ASCII and empty payloads among them.
package struct SealedSamples: Sendable {
    private var state: UInt64
    /// When the first record is received; each further one is received a millisecond later.
    package let start: Timestamp
    package let retentionClass: UInt16
    private let fields: [Field]
    private var count: Int64 = 0

    /// - Parameter fields: the fields that records may have, besides their times; fewer make tests of files quick.
    package init(
        seed: UInt64, start: Timestamp = Timestamp(seconds: 1_795_000_000), retentionClass: UInt16 = 0,
        fields: [Field] = Field.allCases
    ) {
        self.fields = fields
        state = seed
        self.start = start
        self.retentionClass = retentionClass
    }

    /// The next record's sealed form. About one in four fields is set, few of them with rare values.
    package mutating func next() -> [UInt8] {
        var record = EventRecord()
        let received = start.advanced(byNanoseconds: count * 1_000_000)
        count += 1
        record.set(.received, time: received)
        if number(below: 10) > 0 {
            record.set(.time, time: received.advanced(byNanoseconds: Int64(number(below: 9)) - 60))
        }
        for field in fields where field.type != .time && field != .ext && field != .normWarnings {
            guard number(below: 4) == 0 else { continue }
            if field.isList {
                for element in 0..<number(below: 4) where number(below: 5) > 0 {
                    record.set(field, element: element, value(field))
                }
            } else {
                record.set(field, value(field))
            }
        }
        if number(below: 3) == 0 { record.addExtension("key", "value \(number(below: 50))") }
        var output: [UInt8] = []
        let payload = payload()
        payload.withUnsafeBytes {
            _ = SealedForm.append(&record, payload: $0, retentionClass: retentionClass, to: &output)
        }
        return output
    }

    private mutating func value(_ field: Field) -> String {
        switch number(below: 20) {
        case 0: "\(field.path)-\(number(below: 1 << 40))"
        case 1: ["Zürich", "東京", "\u{1F510}", "e\u{301}", "ß", "a\u{0}b"][number(below: 6)]
        case 2: String(repeating: "long ", count: 1 + number(below: 60))
        default: "\(field.path)-\(number(below: 12))"
        }
    }

    private mutating func payload() -> [UInt8] {
        if number(below: 12) == 0 { return [] }
        return Array(
            #"{"number":\#(number(below: 1 << 30)),"text":"\#(String(repeating: "abc ", count: number(below: 40)))"}"#
                .utf8)
    }

    /// SplitMix64: enough for samples, never for secrets.
    package mutating func number(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
