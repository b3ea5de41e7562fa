import EventModel
import QueryLanguage
import Testing

@testable import EventStore

/// Packed text says less and means the same, to the reader and to the token index.
struct PackedTextTests {
    private static let values: [(field: Field, element: UInt8, text: String)] = [
        (.action, 0, "git.push"), (.actorName, 0, "jade-klein"), (.clientIP, 0, "203.94.180.128"),
        (.resourceName, 0, "acme/core-api"), (.vcsRepo, 0, "acme/core"), (.targetsID, 1, "#4711"),
        (.artifactDigest, 0, "sha256:7c4744c29de312eadb3a1a2c4f3107fc254c4c4c7178c93299c0ee6219f883be"),
        (.apiPath, 0, "/api/v1/größe"), (.outcome, 0, "ok"), (.vcsRef, 0, "main"), (.clientAgent, 0, "main"),
        (.ciJob, 0, "build\u{1}step"),
    ]

    @Test(
        "Values stand for themselves where they stand as whole tokens, digits for themselves",
        arguments: [
            ("jade-klein", [1, 33]), (#"{"a":"jade-klein"}"#, Array(#"{"a":""#.utf8) + [1, 33] + Array(#""}"#.utf8)),
            ("xjade-klein", Array("xjade-klein".utf8)), ("jade-klein2", Array("jade-klein2".utf8)),
            ("jade-klein-2", [1, 33] + Array("-2".utf8)),
            // The longest of those that fit, and of equal ones the first.
            ("acme/core-api", [1, 50]), ("acme/core-app", [1, 88] + Array("-app".utf8)), ("main", [1, 89]),
            ("see #4711.", Array("see ".utf8) + [2, 57, 1] + Array(".".utf8)),
            // Shorter than a mark is worth, or with another case.
            ("ok", Array("ok".utf8)), ("Main", Array("Main".utf8)),
            ("a\u{0}b\u{5}\u{6}", [97, 0, 0, 98, 0, 5, 6]),
            ("c0ffee00", [4, 4]), ("C0FFEE0", Array("C0FFEE0".utf8)), ("C0FFEE00D", [4, 0x84] + Array("D".utf8)),
            ("c0ffEE00", Array("c0ffEE00".utf8)), ("12345678", Array("12345678".utf8)),
            ("xc0ffee00", Array("xc0ffee00".utf8)),
            ("fa1b0b89-66cc-477b-ace7-6ba952a0e478", [3]),
            (
                "fa1b0b89-66cc-477b-ace7-6ba952a0e478f",
                [4, 4] + Array("-66cc-477b-ace7-".utf8) + [4, 6] + Array("f".utf8)
            ),
            ("fa1b0b89-66cc-477B-ace7-6ba952a0e478", [4, 4] + Array("-66cc-477B-ace7-".utf8) + [4, 6]),
        ] as [(String, [UInt8])])
    func forms(text: String, expected: [UInt8]) throws {
        let packed = Self.pack(Array(text.utf8))
        #expect(packed.text == expected)
        #expect(try Self.expand(packed, text.utf8.count) == Array(text.utf8))
    }

    @Test(
        "Times of the row's second, and numbers near its time, stand for it, in each form that logs have",
        arguments: [
            ("2026-06-01T01:59:11Z", [5, 0, 90]), ("\"2026-06-01T01:59:11.007Z\"", [34, 5, 3, 90, 34]),
            ("2026-06-01T01:59:11.007123Z", [5, 6, 90]), ("2026-06-01T01:59:11.007123456Z", [5, 9, 90]),
            ("2026-06-01T01:59:11.0071234567Z", [5, 9, 55, 90]), ("2026-06-01T01:59:11", [5, 0]),
            ("2026-06-01T01:59:11.007130Z", [5, 0x46, 14, 90]), ("2026-06-01T01:59:11.006Z", [5, 0x43, 1, 90]),
            ("2026-06-01T01:59:11.5+02:00", [5, 0x41, 10] + Array("+02:00".utf8)),
            ("2026-06-01T01:59:11.", [5, 0, 46]),
            ("1780279151", [5, 16]), ("1780279151007", [5, 17]), ("1780279151007123", [5, 18]),
            ("1780279151007123456", [5, 19]), ("[1780279151008]", [91, 5, 0x51, 2, 93]),
            ("1780279150", [5, 0x50, 1]), ("1779230575", [5, 0x50, 0xFF, 0xFF, 0x7F]),
        ] as [(String, [UInt8])])
    func times(text: String, expected: [UInt8]) throws {
        let packed = Self.pack(Array(text.utf8), time: Self.time)
        #expect(packed.text == expected)
        #expect(packed.tokens == Self.tokens(Array(text.utf8)))
        #expect(try Self.expand(packed, text.utf8.count) == Array(text.utf8))
        // Without a time there is nothing that text could stand for.
        #expect(Self.pack(Array(text.utf8)).text == Array(text.utf8))
        #expect(throws: TextExpander.Malformed.self) { try Self.expand(packed, text.utf8.count, time: nil) }
    }

    @Test(
        "Other times and numbers stay as they are",
        arguments: [
            "2026-06-01T01:59:12Z", "x2026-06-01T01:59:11Z", "2026-06-01 01:59:11Z", "1780279151007x", "x1780279151",
            "0780279151", "1779000000", "178027915100", "1780279151_007", "26-06-01T01:59:11Z",
        ])
    func otherTimes(text: String) {
        #expect(Self.pack(Array(text.utf8), time: Self.time).text == Array(text.utf8))
    }

    @Test(
        "Times of all years come back",
        arguments: [
            -9_223_372_036_000_000_000, -62_135_596_800, -2_208_988_800_000_000_000, -1, 0, 999_999_999,
            4_102_444_800_000_000_000, .max,
        ])
    func allYears(time: Int64) throws {
        let moment = Timestamp(rawValue: time)
        for text in [moment.text, String(time.magnitude), String(time / 1_000_000), String(time / 1_000_000_000)] {
            let packed = Self.pack(Array(text.utf8), time: time)
            #expect(try Self.expand(packed, text.utf8.count, time: time) == Array(text.utf8))
        }
        #expect(Self.pack(Array(moment.text.utf8), time: time).text.count < 4)
    }

    @Test("What digits stand for are the bytes that they spell")
    func digits() {
        #expect(Self.pack(Array("x c0ffee00 y 00FFAA11".utf8)).digits == [0xC0, 0xFF, 0xEE, 0, 0, 0xFF, 0xAA, 0x11])
        #expect(
            Self.pack(Array("00000000-1111-2222-3333-0123456789ab".utf8)).digits
                == [0, 0, 0, 0, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 1, 0x23, 0x45, 0x67, 0x89, 0xAB])
    }

    @Test(
        "Whatever the text, it comes back, and no token of it is lost or made", arguments: 1...40 as ClosedRange<UInt64>
    )
    func roundTrip(seed: UInt64) throws {
        var generator = SequenceGenerator(state: seed)
        for _ in 0..<100 {
            let text = Self.randomText(&generator)
            let packed = Self.pack(text, time: Self.time)
            #expect(try Self.expand(packed, text.count) == text)
            // Those of a value that stands for text are tokens of the record already.
            let own = Set(Self.values.flatMap { Self.tokens(Array($0.text.utf8)) })
            #expect(packed.tokens.union(own) == Self.tokens(text).union(own))
            #expect(packed.tokens.isSubset(of: Self.tokens(text)))
            #expect(packed.text.count <= text.count * 2)
        }
    }

    @Test(
        "Malformed text is refused, whatever it says, and writes no more than it may",
        arguments: 1...20 as ClosedRange<UInt64>)
    func malformed(seed: UInt64) throws {
        var generator = SequenceGenerator(state: seed)
        for _ in 0..<200 {
            let text = Self.randomText(&generator)
            var packed = Self.pack(text, time: Self.time)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: packed.text.removeLast(min(packed.text.count, Int.random(in: 1...4, using: &generator)))
            case 1 where !packed.digits.isEmpty: packed.digits.removeLast()
            case 2 where !packed.text.isEmpty:
                packed.text[Int.random(in: packed.text.indices, using: &generator)] = .random(
                    in: 0..<6, using: &generator)
            default: packed.text.append(.random(in: 0..<6, using: &generator))
            }
            let length = text.count + Int.random(in: 0..<3, using: &generator)
            if let expanded = try? Self.expand(packed, length) { #expect(expanded.count == length) }
        }
        let malformed: [[UInt8]] = [
            [1], [1, 250], [2, 57], [2, 57, 9], [3], [4], [4, 1], [4, 255], [0], [1, 33, 1],
            [5], [5, 0], [5, 10], [5, 15], [5, 20], [5, 0x80], [5, 0x50], [5, 0x50, 0x80],
            // The year 12000, and before the first.
            [5, 0x40, 0xE0, 0xD0, 0xB8, 0xB6, 0x94, 0x12],
            [5, 0x50, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ]
        for text in malformed {
            #expect(throws: TextExpander.Malformed.self) { try Self.expand(Packed(text: text), 10) }
        }
        // A value longer than what is left.
        #expect(throws: TextExpander.Malformed.self) { try Self.expand(Packed(text: [1, 33]), 9) }
        #expect(throws: TextExpander.Malformed.self) {
            try Self.expand(Packed(text: [4, 4], digits: [1, 2, 3, 4]), 7)
        }
        #expect(throws: TextExpander.Malformed.self) {
            try Self.expand(Packed(text: [3], digits: Array(repeating: 7, count: 16)), 35)
        }
    }

    @Test("Values beyond those that a record, or a place, is searched for stay as they are")
    func manyValues() {
        // Beginnings that differ, and one for all.
        let distinct = (0..<TextPacker.maximumValues + 2).map { "\(1_000 + $0)-target-name" }
        let alike = (0..<TextPacker.maximumTries + 2).map { "target-\($0)-name" }
        for (texts, known) in [(distinct, 0..<TextPacker.maximumValues), (alike, 2..<alike.count)] {
            var packer = TextPacker()
            let (plain, digits) = (SegmentMemory(capacity: 16), SegmentMemory(capacity: 16))
            // Where they lie they stay while text is packed.
            let held = texts.map { text in
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
                copy.copyBytes(from: Array(text.utf8))
                return UnsafeRawBufferPointer(copy)
            }
            defer {
                packer.free()
                for copy in held { copy.deallocate() }
            }
            packer.removeValues()
            for (element, copy) in held.enumerated() {
                packer.add(field: Field.targetsName.rawValue, element: UInt8(element), copy)
            }
            for (element, copy) in held.enumerated() {
                plain.removeAll()
                _ = packer.pack(copy, to: plain, digits) { _, _ in }
                #expect((Array(plain.bytes) == Array(copy)) == !known.contains(element), "\(texts[element])")
            }
        }
    }

    // MARK: Packing and expanding

    /// 2026-06-01T01:59:11.007123456Z
    private static let time: Int64 = 1_780_279_151_007_123_456

    private struct Packed {
        var text: [UInt8]
        var digits: [UInt8] = []
        var tokens: Set<[UInt8]> = []
    }

    private static func pack(_ text: [UInt8], time: Int64? = nil) -> Packed {
        var packer = TextPacker()
        let (plain, digits) = (SegmentMemory(capacity: 16), SegmentMemory(capacity: 16))
        let bytes = Values()
        defer { packer.free() }
        var tokens: Set<[UInt8]> = []
        withExtendedLifetime(bytes) {
            packer.removeValues()
            if let time { packer.setTime(time) }
            for (value, text) in zip(values, bytes.texts) {
                packer.add(field: value.field.rawValue, element: value.element, UnsafeRawBufferPointer(text))
            }
            text.withUnsafeBytes { text in
                _ = packer.pack(text, to: plain, digits) { token, classes in
                    tokens.insert(Array(token))
                    #expect(classes == TokenScanner.classes(of: token))
                }
            }
        }
        return Packed(text: Array(plain.bytes), digits: Array(digits.bytes), tokens: tokens)
    }

    private static func expand(_ packed: Packed, _ length: Int, time: Int64? = time) throws -> [UInt8] {
        var timeText = TimeText()
        defer { timeText.free() }
        let output = SegmentMemory(capacity: 16)
        let bytes = Values()
        try packed.text.withUnsafeBytes { text in
            try packed.digits.withUnsafeBytes { digits in
                var expander = TextExpander(StoredText(text: text, digits: digits, count: length))
                try expander.expand(length, to: output, time: { time }, &timeText) { field, element in
                    zip(values, bytes.texts).first { value, _ in
                        value.field.rawValue == field && Int(value.element) == element
                    }.map { UnsafeRawBufferPointer($0.1) }
                }
                guard expander.isAtEnd else { throw TextExpander.Malformed() }
            }
        }
        return withExtendedLifetime(bytes) { Array(output.bytes) }
    }

    private static func tokens(_ text: [UInt8]) -> Set<[UInt8]> {
        let scanner = TokenScanner()
        defer { scanner.free() }
        var tokens: Set<[UInt8]> = []
        text.withUnsafeBytes { scanner.scan($0) { token, _ in tokens.insert(Array(token)) } }
        return tokens.union(addresses(text))
    }

    /// Every part of a text that is an IPv4 address from one edge of a token to another.
    private static func addresses(_ text: [UInt8]) -> Set<[UInt8]> {
        func isEdge(_ place: Int) -> Bool {
            place == 0 || place == text.count || !TextPredicate.isTokenByte(text[place - 1])
                || !TextPredicate.isTokenByte(text[place])
        }
        var found: Set<[UInt8]> = []
        for start in text.indices where isEdge(start) {
            for end in start + 1..<min(start + 16, text.count + 1) where isEdge(end) {
                let parts = text[start..<end].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                let isAddress = parts.allSatisfy { part in
                    (1...3).contains(part.count) && part.allSatisfy { 0x30...0x39 ~= $0 }
                }
                if parts.count == 4, isAddress { found.insert(Array(text[start..<end])) }
            }
        }
        return found
    }

    /// The values where they stay.
    private final class Values {
        let texts = values.map { value in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: value.text.utf8.count, alignment: 1)
            copy.copyBytes(from: Array(value.text.utf8))
            return copy
        }

        deinit { for text in texts { text.deallocate() } }
    }

    /// Values, digits, UUIDs, marks and other text in a row, with and without something between them.
    private static func randomText(_ generator: inout SequenceGenerator) -> [UInt8] {
        var text: [UInt8] = []
        func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
        func hex(_ count: Int, _ digits: String = "0123456789abcdef") -> [UInt8] {
            (0..<count).map { _ in Array(digits.utf8)[number(digits.utf8.count)] }
        }
        for _ in 0..<number(12) {
            switch number(9) {
            case 0, 1: text += Array(values[number(values.count)].text.utf8)
            case 2: text += hex(number(70))
            case 3: text += hex(number(40), "0123456789ABCDEF")
            case 4: text += hex(8) + [45] + hex(4) + [45] + hex(4) + [45] + hex(4) + [45] + hex(12)
            case 5: text += (0..<number(5)).map { _ in UInt8(number(256)) }
            case 6: text += Array(["\u{1}\u{2}", "größe", "acme/", "deadbeefcafe", "main", "x_"][number(6)].utf8)
            case 7:
                text += Array(
                    ["2026-06-01T01:59:11.00\(number(9))", "178027915\(number(20))", "2026-06-01T01:59:11Z"][number(3)]
                        .utf8)
            default: text += Array(values[number(values.count)].text.utf8).dropLast(1)
            }
            if number(3) > 0 { text += Array([" ", "\",\"", "-", "/", ":", "\u{0}"][number(6)].utf8) }
        }
        return text
    }
}
