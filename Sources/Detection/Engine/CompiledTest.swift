import EventModel
import QueryLanguage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A test made ready: literals folded, the common shapes of patterns told apart.
enum CompiledTest: Sendable {
    case equal([UInt8], isCased: Bool)
    case prefix([UInt8], isCased: Bool)
    case suffix([UInt8], isCased: Bool)
    case contains([UInt8], isCased: Bool)
    /// `*`: any value but null.
    case anyValue
    case glob(GlobProgram, isCased: Bool)
    case isNull
    case exists
    case regex(LinearRegex)
    case network(AddressRange, isV4: Bool)
    case number(ValueTest.Comparison, RuleNumber)
    case timePart(ValueTest.TimePart, ValueTest.Comparison, Int64)
    /// The number of the other field.
    case reference(Int, ValueTest.Overlap, isCased: Bool)
    /// Elements of an array, each judged by itself.
    case elements(ElementTest)
    case query(QueryCondition)

    /// - Parameter slot: Gives another field its number.
    init(_ test: ValueTest, slot: (FieldName) -> Int) {
        switch test {
        case .pattern(let pattern, let isCased): self = Self.pattern(pattern, isCased: isCased)
        case .isNull: self = .isNull
        case .exists: self = .exists
        case .regex(let regex): self = .regex(regex)
        case .network(let range, let isV4): self = .network(range, isV4: isV4)
        case .number(let comparison, let value, let integer):
            self = .number(comparison, integer.map(RuleNumber.integer) ?? .real(value))
        case .timePart(let part, let comparison, let value): self = .timePart(part, comparison, value)
        case .reference(let name, let overlap, let isCased): self = .reference(slot(name), overlap, isCased: isCased)
        case .query(let query): self = .query(query)
        case .elements(let quantifier, let expression): self = .elements(ElementTest(quantifier, expression))
        }
    }

    private static func pattern(_ pattern: SigmaPattern, isCased: Bool) -> CompiledTest {
        let parts = pattern.parts.map { part -> SigmaPattern.Part in
            guard !isCased, case .literal(let bytes) = part else { return part }
            return .literal(foldedLiteral(bytes))
        }
        switch parts.count {
        case 0: return .equal([], isCased: isCased)
        case 1:
            if case .literal(let bytes) = parts[0] { return .equal(bytes, isCased: isCased) }
            if parts[0] == .any { return .anyValue }
        case 2:
            if case .literal(let bytes) = parts[0], parts[1] == .any { return .prefix(bytes, isCased: isCased) }
            if parts[0] == .any, case .literal(let bytes) = parts[1] { return .suffix(bytes, isCased: isCased) }
        case 3:
            if parts[0] == .any, case .literal(let bytes) = parts[1], parts[2] == .any {
                return .contains(bytes, isCased: isCased)
            }
        default: break
        }
        if parts.allSatisfy({ $0 == .any }) { return .anyValue }
        return .glob(GlobProgram(parts), isCased: isCased)
    }

    static func foldedLiteral(_ bytes: [UInt8]) -> [UInt8] {
        // Encoded values need not be UTF-8; decoding them would change their bytes.
        guard String(validating: bytes, as: UTF8.self) != nil else { return bytes.map(CaseFolding.fold) }
        var output: [UInt8] = []
        bytes.withUnsafeBytes { CaseFolding.appendFolded($0, to: &output) }
        return output
    }

    /// Whether it is answered by looking at a value's text alone.
    var looksAtValues: Bool {
        switch self {
        case .equal, .prefix, .suffix, .contains, .anyValue, .glob, .regex, .network, .number, .timePart: true
        case .isNull, .exists, .reference, .elements, .query: false
        }
    }

    /// Roughly what an evaluation costs, to ask the cheap questions first.
    var cost: Int {
        switch self {
        case .equal, .prefix, .suffix, .anyValue, .isNull, .exists: 1
        case .contains, .number, .reference: 3
        case .network, .timePart, .glob: 6
        case .regex: 12
        case .elements, .query: 40
        }
    }
}

/// A pattern with wildcards in the middle, matched without backtracking over more than the last `*`.
struct GlobProgram: Sendable {
    private static let one: UInt16 = 256
    private static let any: UInt16 = 257
    private let tokens: [UInt16]

    init(_ parts: [SigmaPattern.Part]) {
        tokens = parts.flatMap { part -> [UInt16] in
            switch part {
            case .literal(let bytes): bytes.map(UInt16.init)
            case .one: [Self.one]
            case .any: [Self.any]
            }
        }
    }

    /// The longest run of bytes that every text that matches has; nil when there is none.
    var longestLiteral: [UInt8]? {
        let runs = tokens.split { $0 >= Self.one }
        return runs.max { $0.count < $1.count }.map { $0.map { UInt8($0) } }
    }

    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        var token = 0
        var star = -1
        var restart = 0
        while position < text.count {
            if token < tokens.count {
                let expected = tokens[token]
                if expected == Self.any {
                    star = token
                    restart = position
                    token += 1
                    continue
                }
                if expected == Self.one {
                    position += Self.scalarLength(text, position)
                    token += 1
                    continue
                }
                if expected == UInt16(text[position]) {
                    position += 1
                    token += 1
                    continue
                }
            }
            guard star >= 0 else { return false }
            restart += Self.scalarLength(text, restart)
            position = restart
            token = star + 1
        }
        return tokens[token...].allSatisfy { $0 == Self.any }
    }

    @inline(__always)
    private static func scalarLength(_ text: UnsafeRawBufferPointer, _ position: Int) -> Int {
        var next = position + 1
        while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
        return next - position
    }
}

enum ByteSearch {
    @inline(__always)
    static func hasPrefix(_ text: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer) -> Bool {
        text.count >= part.count && text.slice(0..<part.count).hasSameBytes(as: part)
    }

    @inline(__always)
    static func hasSuffix(_ text: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer) -> Bool {
        text.count >= part.count && text.slice(text.count - part.count..<text.count).hasSameBytes(as: part)
    }

    @inline(__always)
    static func contains(_ text: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer) -> Bool {
        guard part.count > 0, let needle = part.baseAddress else { return true }
        guard text.count >= part.count, var start = text.baseAddress else { return false }
        let first = Int32(needle.load(as: UInt8.self))
        // Where the part can still begin.
        var room = text.count - part.count + 1
        while let hit = memchr(start, first, room) {
            let place = UnsafeRawPointer(hit)
            if memcmp(place, needle, part.count) == 0 { return true }
            room -= place - start + 1
            start = place + 1
        }
        return false
    }
}
