import Testing

@testable import EventModel

@Suite("The sealed form")
struct SealedFormTests {
    private func seal(_ record: EventRecord, payload: String = "{}") -> [UInt8] {
        var record = record
        var bytes: [UInt8] = []
        var payload = payload
        payload.withUTF8 { _ = SealedForm.append(&record, payload: UnsafeRawBufferPointer($0), to: &bytes) }
        return bytes
    }

    private func sample() -> EventRecord {
        var record = EventRecord()
        record.set(.clientIP, "203.0.113.7")
        record.set(.action, "code.push")
        record.set(.time, time: Timestamp(seconds: 1_700_000_000))
        record.append(.artifactDigest, "sha256:aa")
        record.append(.artifactDigest, "sha256:bb")
        record.addExtension("team", "blue")
        record.set(.payloadSize, integer: 2)
        return record
    }

    /// The worked example of docs/format/event.md.
    @Test("The bytes are those of the format's test vector")
    func vector() {
        var record = EventRecord()
        record.set(.clientIP, "203.0.113.7")
        record.set(.action, "code.push")
        record.set(.time, time: Timestamp(seconds: 1_700_000_000))
        let hex = seal(record).map { (($0 < 16 ? "0" : "") + String($0, radix: 16)) }.joined()
        #expect(
            hex == "01000000" + "00000017" + "00000000" + "0000000e" + "00000000" + "00000000" + "00000002"
                + "030008" + "17979cfe362a0000" + "0c0009" + "636f64652e70757368"
                + "28000b" + "3230332e302e3131332e37" + "7b7d")
    }

    @Test("What was sealed is read back, whatever the order it was set in")
    func roundTrip() throws {
        let bytes = seal(sample(), payload: "{\"a\":1}")
        try bytes.withUnsafeBytes {
            let view = try SealedView($0)
            #expect(view.text(.action) == "code.push")
            #expect(view.text(.clientIP) == "203.0.113.7")
            #expect(view.time(.time) == Timestamp(seconds: 1_700_000_000))
            #expect(view.text(.artifactDigest, element: 1) == "sha256:bb")
            #expect(view.value(.actorName) == nil)
            #expect(view.payload?.text == "{\"a\":1}")
            let order = view.entries.map { Int($0.field.rawValue) << 16 | $0.element }
            #expect(order == order.sorted())
        }
    }

    @Test("Fields, groups and members of lists come in their order, however many there are", arguments: UInt64(0)..<20)
    func order(seed: UInt64) throws {
        var state = seed &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var record = EventRecord()
        var expected: [Int: String] = [:]
        for step in 0..<next(120) {
            let field = Field.allCases[next(Field.allCases.count)]
            guard field.type != .time else { continue }
            let element = field.isList ? next(40) : 0
            if next(8) == 0 {
                record.remove(field, element: element)
                expected[Int(field.rawValue) << 16 | element] = nil
            } else {
                // Lengths on both sides of where their varint grows.
                let value = String(repeating: "x", count: next(300)) + "\(step)"
                record.set(field, element: element, value)
                expected[Int(field.rawValue) << 16 | element] = value
            }
        }
        try seal(record).withUnsafeBytes {
            let view = try SealedView($0)
            let found = view.entries.map { (Int($0.field.rawValue) << 16 | $0.element, $0.value.text) }
            #expect(found.map(\.0) == expected.keys.sorted())
            #expect(found.allSatisfy { expected[$0] == $1 })
            for group in FieldGroup.allCases where group != .raw {
                let entries = SealedEntries(try #require(view.group(group)))
                #expect(entries.map(\.field) == view.entries.filter { $0.field.group == group }.map(\.field))
            }
        }
    }

    @Test("Setting a field again replaces it, an empty value changes nothing")
    func replaces() {
        var record = sample()
        record.set(.action, "code.delete")
        record.set(.action, "")
        #expect(record.text(.action) == "code.delete")
        #expect(record.count(of: .artifactDigest) == 2)
        record.removeList(.artifactDigest)
        #expect(!record.contains(.artifactDigest))
    }

    @Test("Values over the limit are cut at a character, lists at their last member, and a warning says so")
    func limits() throws {
        var record = EventRecord()
        record.set(.apiPath, String(repeating: "é", count: EventRecord.maximumValueBytes))
        for number in 0...EventRecord.maximumElements { record.append(.corrLinks, "l\(number)") }
        let bytes = seal(record)
        try bytes.withUnsafeBytes {
            let view = try SealedView($0)
            #expect(view.value(.apiPath)?.count == EventRecord.maximumValueBytes)
            #expect(view.text(.apiPath)?.contains("\u{FFFD}") == false)
            #expect(view.value(.corrLinks, element: EventRecord.maximumElements - 1) != nil)
            #expect(view.value(.corrLinks, element: EventRecord.maximumElements) == nil)
            let warnings = view.entries.filter { $0.field == .normWarnings }.map { $0.value.text }
            #expect(warnings == ["api.path was cut to its limit", "corr.links was cut to its limit"])
        }
    }

    @Test("The JSON form nests fields, leaves out what is absent and what may not be seen")
    func json() throws {
        let bytes = seal(sample())
        try bytes.withUnsafeBytes {
            var all: [UInt8] = []
            EventJSON.append(try SealedView($0), index: LeafIndex(7), to: &all)
            #expect(
                String(decoding: all, as: UTF8.self)
                    == #"{"index":7,"time":"2023-11-14T22:13:20Z","action":"code.push","client":{"ip":"203.0.113.7"},"#
                    + #""artifact":[{"digest":"sha256:aa"},{"digest":"sha256:bb"}],"payload":{"size":2},"ext":{"team":"blue"}}"#
            )
            var some: [UInt8] = []
            EventJSON.append(try SealedView($0), index: nil, groups: [.envelope], to: &some)
            #expect(
                String(decoding: some, as: UTF8.self)
                    == #"{"time":"2023-11-14T22:13:20Z","action":"code.push","payload":{"size":2}}"#)
        }
    }

    @Test("Cut and altered bytes never crash the reader", arguments: 0..<40)
    func mutations(seed: Int) {
        let bytes = seal(sample(), payload: "payload")
        for length in 0..<bytes.count {
            _ = bytes[..<length].withUnsafeBytes { cut in
                #expect(throws: EventModelError.self) { _ = try SealedView(cut) }
            }
        }
        var altered = bytes
        altered[(seed * 7) % bytes.count] ^= UInt8(1 << (seed % 8))
        altered.withUnsafeBytes {
            guard let view = try? SealedView($0) else { return }
            var output: [UInt8] = []
            EventJSON.append(view, index: nil, to: &output)
            _ = view.entries.map { $0.value.count }
        }
    }
}
