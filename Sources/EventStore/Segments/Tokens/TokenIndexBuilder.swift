import EventModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Gathers the tokens of records, each once a bundle, for a segment's token index. Its owner calls ``free()``.
///
/// Cost: about 2 µs a record of 1.7 KB; a token that its bundle has already costs a hash and a comparison.
struct TokenIndexBuilder {
    /// Places for identifiers seen lately: most repetitions are found here, the others when sorting.
    private static let recentPlaces = 8_192

    /// Words that wait for memory together, more than a processor can wait for at once.
    private static let pendingWords = 64

    /// An ASCII word, where it stands in a text that stays until ``settle()``.
    private struct PendingWord: BitwiseCopyable {
        let text: UnsafeRawBufferPointer
        let hash: UInt64
        let field: UInt8
    }

    private let scanner = TokenScanner()
    /// At random, so that nobody can choose words that collide.
    private let seed = UInt64.random(in: .min ... .max)
    /// Each word, marked with the bundle that it was seen in last.
    private var words = NumberedTexts()
    /// Of each word the columns that hold it.
    private var fields = GrowableMemory<UInt8>()
    /// The columns that hold opaque tokens.
    private var opaqueFields = WordFields.none
    private let lengths = TokenLengths()
    private var slots = SlotTable()
    /// Words of which the number is looked up later, with others.
    private var pending = GrowableMemory<PendingWord>(capacity: Self.pendingWords)
    /// A word in lower case.
    private var folded = GrowableMemory<UInt8>(capacity: TokenScanner.maximumWordBytes)
    /// Word number and bundle, 32 bits each, bundles ascending.
    private var postings = GrowableMemory<UInt64>()
    /// Hash and bundle, 32 bits each, bundles ascending.
    private var identifiers = GrowableMemory<UInt64>()
    private let recent: UnsafeMutablePointer<UInt64>
    private var opaque = GrowableMemory<UInt32>()
    private var escaped = GrowableMemory<UInt32>()
    private var bundle: UInt64?
    private(set) var bundleCount = 0
    /// The number of the bundle that is being added to.
    private(set) var ordinal: UInt32 = 0

    init() {
        recent = .allocate(capacity: Self.recentPlaces)
        recent.initialize(repeating: .max, count: Self.recentPlaces)
    }

    func free() {
        scanner.free()
        lengths.free()
        words.free()
        slots.free()
        folded.free()
        pending.free()
        fields.free()
        for memory in [opaque, escaped] { memory.free() }
        for memory in [postings, identifiers] { memory.free() }
        recent.deallocate()
    }

    /// Forgets everything but keeps the memory.
    mutating func removeAll() {
        words.removeAll()
        fields.removeAll()
        opaqueFields = WordFields.none
        lengths.removeAll()
        slots.removeAll()
        postings.removeAll()
        identifiers.removeAll()
        opaque.removeAll()
        escaped.removeAll()
        recent.update(repeating: .max, count: Self.recentPlaces)
        bundle = nil
        bundleCount = 0
    }

    // MARK: Adding

    /// Says of which bundle the next texts are. Bundles ascend.
    mutating func begin(bundle number: UInt64) {
        guard bundle != number else { return }
        bundle = number
        ordinal = UInt32(bundleCount)
        bundleCount += 1
    }

    /// Adds the tokens of a field's value. It has to stay where it is until ``settle()``.
    ///
    /// - Parameter field: The number of the field whose column holds the value; 0 where none does.
    mutating func add(_ text: UnsafeRawBufferPointer, field: UInt8 = WordFields.none) {
        // A copy, so that the closure can change the rest of the builder.
        let scanner = scanner
        scanner.scan(text) { token, classes in
            add(token: token, classes: classes, field: field)
            guard TokenScanner.mayBeginAddress(classes, length: token.count), let base = text.baseAddress,
                let start = token.baseAddress.map({ $0 - base }),
                let end = TokenScanner.addressEnd(text, from: start)
            else { return }
            add(identifier: text.slice(start..<end), classes)
        }
    }

    /// Adds the tokens of a payload. It has to stay where it is until ``settle()``.
    mutating func add(payload: UnsafeRawBufferPointer) {
        add(payload)
        noteEscapes(in: payload)
    }

    /// Notes what a payload's tokens, which are added otherwise, do not tell.
    mutating func noteEscapes(in payload: UnsafeRawBufferPointer) {
        if Self.hasUnicodeEscape(payload) { Self.note(ordinal, in: &escaped) }
    }

    /// Whether the text has a backslash before a `u`: then tokens of its values may be written otherwise.
    private static func hasUnicodeEscape(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return false }
        var rest = text.count
        var start = base
        while let found = memchr(start, 0x5C, rest) {
            let offset = UnsafeRawPointer(found) - base
            guard offset + 1 < text.count else { return false }
            if text[offset + 1] == UInt8(ascii: "u") { return true }
            // The escaped character is no escape of its own.
            start = base + min(offset + 2, text.count)
            rest = text.count - (start - base)
        }
        return false
    }

    private static func note(_ ordinal: UInt32, in list: inout GrowableMemory<UInt32>) {
        if list.count == 0 || list[list.count - 1] != ordinal { list.append(ordinal) }
    }

    /// Adds a token, with its classes as ``TokenScanner`` gives them. It has to stay where it is until ``settle()``.
    @inline(__always)
    mutating func add(token: UnsafeRawBufferPointer, classes: UInt8, field: UInt8 = WordFields.none) {
        guard classes & TokenScanner.nonASCII == 0 else { return addFolding(token, field) }
        if field != WordFields.none { lengths.note(token.count, of: field) }
        switch TokenScanner.kind(classes, length: token.count) {
        case .word:
            let hash = TokenHash.of(token, seed: seed)
            slots.prefetch(hash)
            pending.append(PendingWord(text: token, hash: hash, field: field))
            if pending.count == Self.pendingWords { settle() }
        case .identifier: add(identifier: token, classes)
        case .opaque:
            add(identifier: token, classes)
            Self.note(ordinal, in: &opaque)
            WordFields.add(field, to: &opaqueFields)
        }
    }

    /// Looks up what was added since the last time. Due when a record is complete, before its texts go.
    mutating func settle() {
        for word in pending.buffer {
            if let number = slots.likely(word.hash) { words.prefetch(number) }
        }
        for word in pending.buffer { add(word: word.text, isASCII: true, hash: word.hash, word.field) }
        pending.removeAll()
    }

    private mutating func addFolding(_ token: UnsafeRawBufferPointer, _ field: UInt8) {
        var folded: [UInt8] = []
        CaseFolding.appendFolded(token, to: &folded)
        if field != WordFields.none { lengths.note(folded.count, of: field) }
        folded.withUnsafeBytes { folded in
            let classes = TokenScanner.classes(of: folded)
            switch TokenScanner.kind(classes, length: folded.count) {
            case .word: add(word: folded, isASCII: false, hash: TokenHash.of(folded, seed: seed), field)
            case .identifier: add(identifier: folded, classes)
            case .opaque:
                add(identifier: folded, classes)
                Self.note(ordinal, in: &opaque)
                WordFields.add(field, to: &opaqueFields)
            }
        }
    }

    @inline(__always)
    private mutating func add(identifier: UnsafeRawBufferPointer, _ classes: UInt8) {
        let hash = TokenHash.stored(identifier, classes)
        let entry = UInt64(hash) << 32 | UInt64(ordinal)
        let place = Int(hash) & (Self.recentPlaces - 1)
        guard recent[place] != entry else { return }
        recent[place] = entry
        identifiers.append(entry)
    }

    @inline(__always)
    private mutating func add(word: UnsafeRawBufferPointer, isASCII: Bool, hash: UInt64, _ field: UInt8) {
        switch slots.find(hash, { isEqual($0, word, isASCII) }) {
        case .known(let number):
            if field != WordFields.none { WordFields.add(field, to: &fields[Int(number)]) }
            if words.mark(number, ordinal) { postings.append(UInt64(number) << 32 | UInt64(ordinal)) }
        case .free(let place):
            slots.insert(hash, at: place)
            fields.append(field)
            postings.append(UInt64(insert(word)) << 32 | UInt64(ordinal))
        }
    }

    private mutating func insert(_ word: UnsafeRawBufferPointer) -> UInt32 {
        folded.removeAll()
        for byte in word { folded.append(CaseFolding.fold(byte)) }
        return words.append(UnsafeRawBufferPointer(folded.buffer), mark: ordinal)
    }

    /// Whether a known word is this one: an ASCII one in any case, or one that is folded.
    @inline(__always)
    private func isEqual(_ number: UInt32, _ word: UnsafeRawBufferPointer, _ isASCII: Bool) -> Bool {
        let known = words[number]
        return isASCII ? Self.foldAlike(known, word) : known.hasSameBytes(as: word)
    }

    /// Whether two tokens, the second of them ASCII, differ in nothing but the case of letters. Eight bytes at a time: setting
    /// the case bit everywhere maps no two folded ASCII bytes of tokens to one, and never an ASCII byte to another.
    @inline(__always)
    private static func foldAlike(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let count = left.count
        guard count == right.count else { return false }
        func differ<Word: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ caseBits: Word) -> Word {
            (left.loadUnaligned(fromByteOffset: offset, as: Word.self)
                ^ right.loadUnaligned(fromByteOffset: offset, as: Word.self)) & ~caseBits
        }
        if count >= 8 {
            var difference: UInt64 = differ(count - 8, 0x2020_2020_2020_2020)
            for offset in stride(from: 0, to: count - 8, by: 8) { difference |= differ(offset, 0x2020_2020_2020_2020) }
            return difference == 0
        }
        if count >= 4 { return (differ(0, 0x2020_2020) as UInt32) | differ(count - 4, 0x2020_2020) == 0 }
        for offset in 0..<count where (differ(offset, 0x20) as UInt8) != 0 { return false }
        return true
    }

    // MARK: Writing

    mutating func write(to composer: SegmentComposer) throws {
        var writer = TokenIndexWriter(bundleCount: bundleCount)
        defer { writer.free() }
        addWords(to: &writer)
        sortIdentifiers()
        var last: UInt64?
        for entry in identifiers.buffer where entry != last {
            writer.add(identifier: UInt32(entry >> 32), bundle: UInt32(truncatingIfNeeded: entry))
            last = entry
        }
        try writer.write(to: composer, opaque: opaque.buffer, escaped: escaped.buffer, opaqueFields: opaqueFields)
        try lengths.write(to: composer)
    }

    private func addWords(to writer: inout TokenIndexWriter) {
        let count = words.count
        let order = DictionaryOrder.sorted(0..<UInt32(count)) { words[$0] }
        var starts = GrowableMemory<UInt32>(capacity: count + 1)
        var bundles = GrowableMemory<UInt32>(capacity: max(postings.count, 1))
        defer {
            order.free()
            starts.free()
            bundles.free()
        }
        // Postings by word: count, add up, distribute. They are in order of bundles already.
        starts.append(0, repeated: count + 1)
        bundles.append(0, repeated: postings.count)
        for posting in postings.buffer { starts[Int(posting >> 32)] += 1 }
        var sum: UInt32 = 0
        for number in 0...count {
            let own = starts[number]
            starts[number] = sum
            sum += own
        }
        for posting in postings.buffer {
            let number = Int(posting >> 32)
            bundles[Int(starts[number])] = UInt32(truncatingIfNeeded: posting)
            starts[number] += 1
        }
        for key in order.buffer {
            let number = Int(key.number)
            let start = number == 0 ? 0 : Int(starts[number - 1])
            writer.add(
                word: words[key.number], fields: fields[number],
                bundles: UnsafeBufferPointer(rebasing: bundles.buffer[start..<Int(starts[number])]))
        }
    }

    /// By hash; the sort keeps the order of bundles. Three passes of eleven bits.
    private mutating func sortIdentifiers() {
        var other = GrowableMemory<UInt64>(capacity: max(identifiers.count, 1))
        other.append(0, repeated: identifiers.count)
        let counts = UnsafeMutablePointer<Int>.allocate(capacity: 2_048)
        defer {
            other.free()
            counts.deallocate()
        }
        for shift in [32, 43, 54] as [UInt64] {
            counts.update(repeating: 0, count: 2_048)
            for entry in identifiers.buffer { counts[Int(entry >> shift) & 2_047] += 1 }
            var sum = 0
            for digit in 0..<2_048 {
                let own = counts[digit]
                counts[digit] = sum
                sum += own
            }
            for entry in identifiers.buffer {
                let digit = Int(entry >> shift) & 2_047
                other[counts[digit]] = entry
                counts[digit] += 1
            }
            swap(&identifiers, &other)
        }
    }
}
