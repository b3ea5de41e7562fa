import EventModel
import QueryLanguage

/// Evaluates programs over events, one event at a time.
///
/// First every value that the program's fields have is put before all predicates on its field at once; the answer is known
/// already when the value was seen before. What holds is marked, and calls for the rules that it is a witness of. Only they
/// are asked then, and their questions are looked up among the marks.
final class EventEvaluator {
    let values = EventValues()
    /// By predicate: the event in which it was found to hold.
    private let marks = GrowingArray<UInt64>(capacity: 1_024, filling: 0)
    /// By predicate that is asked on demand: twice the event's stamp, and one when it holds.
    private let answers = GrowingArray<UInt64>(capacity: 1_024, filling: 0)
    private let asked = GrowingArray<UInt64>(capacity: 256, filling: 0)
    private let candidates = GrowingArray<Int32>(capacity: 256, filling: 0)
    private let seen = GrowingArray<Bool>(capacity: 1_024, filling: false)
    private let cache: ValueCache
    private let folded = GrowingArray<UInt8>(capacity: 4_096, filling: 0)
    private var scratch: [UInt8] = []
    private var results: [Int32] = []

    /// - Parameter cachedValues: A power of two, at least four.
    init(cachedValues: Int = ValueCache.maximumEntries) {
        cache = ValueCache(entries: cachedValues)
    }

    /// Hands the number of every matching rule to `body`.
    func evaluate(_ program: RuleProgram, view: SealedView?, payload: JSONValue?, _ body: (Int) -> Void) {
        marks.reserve(program.predicates.count, filling: 0)
        answers.reserve(program.predicates.count, filling: 0)
        seen.reserve(program.predicates.count, filling: false)
        asked.reserve(program.rules.count, filling: 0)
        candidates.reserve(program.witnessedRules.count, filling: 0)
        values.begin(program, view: view, payload: payload)
        var count = 0
        let touched = values.touched.base
        for place in 0..<values.touchedCount { announce(Int(touched[place]), of: program) }
        for place in 0..<values.touchedCount { mark(Int(touched[place]), of: program, &count) }
        if program.anywhereField >= 0 { markEverything(program, view: view, payload: payload, &count) }
        for place in 0..<count { ask(Int(candidates.base[place]), of: program, body) }
        for rule in program.unconditional { ask(Int(rule), of: program, body) }
    }

    // MARK: Marking

    /// Hashes the texts of a field and says that they are looked up soon, so that those of an event wait for memory together.
    private func announce(_ field: Int, of program: RuleProgram) {
        let found = values.found.base[field]
        guard program.matchers[field] != nil, !found.isAmbiguous else { return }
        let key = Self.cacheKey(field, .text, program)
        var next = found.head
        while next >= 0 {
            if found.isCanonical {
                let hit = values.canonicalHits.base + Int(next)
                if !hit.pointee.isTime {
                    hit.pointee.hash = ByteHash.hash(hit.pointee.bytes, seed: key)
                    cache.prefetch(hit.pointee.hash)
                }
                next = hit.pointee.next
            } else {
                let hit = values.hits.base + Int(next)
                if let text = hit.pointee.value.string {
                    hit.pointee.hash = ByteHash.hash(text, seed: key)
                    cache.prefetch(hit.pointee.hash)
                }
                next = hit.pointee.next
            }
        }
    }

    /// Values of one field and kind are told from all others by it.
    @inline(__always)
    private static func cacheKey(_ field: Int, _ kind: FieldMatcher.Kind, _ program: RuleProgram) -> UInt64 {
        program.cacheKey + UInt64(field) << 2 | UInt64(kind.rawValue)
    }

    private func mark(_ field: Int, of program: RuleProgram, _ count: inout Int) {
        let exists = program.existence[field]
        if exists >= 0 { mark(predicate: Int(exists), of: program, &count) }
        guard let matcher = program.matchers[field] else { return }
        if values.found.base[field].isAmbiguous { values.resolveAmbiguity(of: field) }
        let found = values.found.base[field]
        var next = found.head
        while next >= 0 {
            if found.isCanonical {
                mark(values.canonicalHits.base[Int(next)], field, matcher, program, &count)
                next = values.canonicalHits.base[Int(next)].next
            } else {
                let hit = values.hits.base[Int(next)]
                if hit.hash != 0, let text = hit.value.string {
                    mark(text, .text, hit.hash, field, matcher, program, &count)
                } else {
                    mark(hit.value, field, matcher, program, &count)
                }
                next = hit.next
            }
        }
    }

    private func mark(
        _ hit: CanonicalHit, _ field: Int, _ matcher: FieldMatcher, _ program: RuleProgram, _ count: inout Int
    ) {
        guard hit.isTime, let time = Timestamp(sealed: hit.bytes) else {
            return mark(hit.bytes, .text, hit.hash, field, matcher, program, &count)
        }
        scratch.removeAll(keepingCapacity: true)
        time.appendText(to: &scratch)
        markScratch(.text, field, matcher, program, &count)
    }

    private func mark(
        _ value: JSONValue, _ field: Int, _ matcher: FieldMatcher, _ program: RuleProgram, _ count: inout Int
    ) {
        switch value.kind {
        case .string:
            if let string = value.string { mark(string, .text, 0, field, matcher, program, &count) }
        case .array: for element in value.elements { mark(element, field, matcher, program, &count) }
        case .null: break
        case .object:
            scratch.removeAll(keepingCapacity: true)
            JSONText.append(value, to: &scratch)
            markScratch(.object, field, matcher, program, &count)
        case .boolean, .integer, .unsigned, .double:
            scratch.removeAll(keepingCapacity: true)
            value.appendScalarText(to: &scratch)
            markScratch(value.bool == nil ? .number : .boolean, field, matcher, program, &count)
        }
    }

    private func markScratch(
        _ kind: FieldMatcher.Kind, _ field: Int, _ matcher: FieldMatcher, _ program: RuleProgram, _ count: inout Int
    ) {
        // Taken out while it is read: nobody else may write there meanwhile.
        let bytes = scratch
        bytes.withUnsafeBytes { mark($0, kind, 0, field, matcher, program, &count) }
    }

    /// - Parameter known: The hash, 0 where it was not computed yet.
    private func mark(
        _ text: UnsafeRawBufferPointer, _ kind: FieldMatcher.Kind, _ known: UInt64, _ field: Int,
        _ matcher: FieldMatcher, _ program: RuleProgram, _ count: inout Int
    ) {
        let key = Self.cacheKey(field, kind, program)
        let hash = known != 0 ? known : ByteHash.hash(text, seed: key)
        if let known = cache.find(key, text, hash: hash) {
            for number in known { mark(predicate: Int(number), of: program, &count) }
            return
        }
        results.removeAll(keepingCapacity: true)
        let length = fold(text)
        matcher.match(
            text, folded: UnsafeRawBufferPointer(start: folded.base, count: length), kind: kind, seen: seen.base,
            into: &results)
        results.withUnsafeBufferPointer { cache.insert(key, text, hash: hash, $0) }
        for number in results { mark(predicate: Int(number), of: program, &count) }
    }

    @inline(__always)
    private func mark(predicate number: Int, of program: RuleProgram, _ count: inout Int) {
        guard marks.base[number] != values.stamp else { return }
        marks.base[number] = values.stamp
        let range = program.witnessed[number]
        for place in range.first..<range.end {
            candidates.base[count] = program.witnessedRules[Int(place)]
            count += 1
        }
    }

    /// Returns the length of the folded copy.
    private func fold(_ text: UnsafeRawBufferPointer) -> Int {
        folded.reserve(text.count, filling: 0)
        let output = UnsafeMutableRawBufferPointer(start: folded.base, count: text.count)
        if CaseFolding.foldASCII(text, to: output) { return text.count }
        var bytes: [UInt8] = []
        CaseFolding.appendFolded(text, to: &bytes)
        folded.reserve(bytes.count, filling: 0)
        folded.base.update(from: bytes, count: bytes.count)
        return bytes.count
    }

    /// Keywords: every value of the payload, or of the canonical fields when there is none.
    private func markEverything(_ program: RuleProgram, view: SealedView?, payload: JSONValue?, _ count: inout Int) {
        let field = program.anywhereField
        guard let matcher = program.matchers[field] else { return }
        guard let payload else {
            guard let view else { return }
            for entry in view.entries {
                let hit = CanonicalHit(
                    start: entry.value.baseAddress, count: entry.value.count, isTime: entry.field.type == .time,
                    next: -1)
                mark(hit, field, matcher, program, &count)
            }
            return
        }
        markAll(payload, field, matcher, program, &count)
    }

    private func markAll(
        _ value: JSONValue, _ field: Int, _ matcher: FieldMatcher, _ program: RuleProgram, _ count: inout Int
    ) {
        switch value.kind {
        case .array: for element in value.elements { markAll(element, field, matcher, program, &count) }
        case .object: for member in value.members { markAll(member.value, field, matcher, program, &count) }
        default: mark(value, field, matcher, program, &count)
        }
    }

    // MARK: Asking

    private func ask(_ rule: Int, of program: RuleProgram, _ body: (Int) -> Void) {
        guard asked.base[rule] != values.stamp else { return }
        asked.base[rule] = values.stamp
        if holds(Int(program.roots[rule]), of: program) { body(rule) }
    }

    private func holds(_ number: Int, of program: RuleProgram) -> Bool {
        let node = program.nodes[number]
        let first = Int(node.first)
        switch node.kind {
        case .predicate: return holds(predicate: first, of: program)
        case .not: return !holds(Int(program.children[first]), of: program)
        case .all:
            for place in first..<first + Int(node.count) where !holds(Int(program.children[place]), of: program) {
                return false
            }
            return true
        case .any:
            for place in first..<first + Int(node.count) where holds(Int(program.children[place]), of: program) {
                return true
            }
            return false
        }
    }

    @inline(__always)
    private func holds(predicate number: Int, of program: RuleProgram) -> Bool {
        if marks.base[number] == values.stamp { return true }
        guard program.isOnDemand[number] else { return false }
        let answer = answers.base[number]
        if answer >> 1 == values.stamp { return answer & 1 == 1 }
        let holds = test(number, of: program)
        answers.base[number] = values.stamp << 1 | (holds ? 1 : 0)
        return holds
    }

    /// The predicates that made a matching rule match: those that hold, and those that a `not` needed to fail.
    func explain(_ rule: Int, of program: RuleProgram) -> [String] {
        var lines: [String] = []
        explain(Int(program.roots[rule]), of: program, expected: true, into: &lines)
        return lines
    }

    private func explain(_ number: Int, of program: RuleProgram, expected: Bool, into lines: inout [String]) {
        guard lines.count < RuleMatch.maximumExplanations, holds(number, of: program) == expected else { return }
        let node = program.nodes[number]
        switch node.kind {
        case .predicate:
            let text = program.predicates[Int(node.first)].description
            let line = expected ? text : "not: " + text
            if !lines.contains(line) { lines.append(line) }
        case .not: explain(Int(program.children[Int(node.first)]), of: program, expected: !expected, into: &lines)
        case .all, .any:
            for place in Int(node.first)..<Int(node.first + node.count) {
                explain(Int(program.children[place]), of: program, expected: expected, into: &lines)
            }
        }
    }

    // MARK: Predicates that are asked on demand

    private func test(_ number: Int, of program: RuleProgram) -> Bool {
        let field = Int(program.predicateFields[number])
        switch program.tests[number] {
        case .isNull:
            let slot = values.resolve(field)
            return slot.first == slot.end || (slot.first..<slot.end).contains { values.kind($0) == .null }
        case .reference(let other, let overlap, let isCased):
            let (left, right) = (values.resolve(field), values.resolve(other))
            return (left.first..<left.end).contains { one in
                (right.first..<right.end).contains { compare(one, $0, overlap, isCased: isCased) }
            }
        case .query(let query): return values.view.map { query.holds($0, payload: values.payload) } ?? false
        case .elements(let test): return test.holds(values.elements(of: field))
        default: return false
        }
    }

    private func compare(_ left: Int, _ right: Int, _ overlap: ValueTest.Overlap, isCased: Bool) -> Bool {
        guard values.kind(left) != .null, values.kind(right) != .null else { return false }
        if !isCased {
            // Folding one may move the other: both are folded before either is looked at.
            _ = values.folded(left)
            _ = values.folded(right)
        }
        let one = isCased ? values.text(left) : values.folded(left)
        let other = isCased ? values.text(right) : values.folded(right)
        return switch overlap {
        case .whole: one.hasSameBytes(as: other)
        case .contains: ByteSearch.contains(one, other)
        case .startswith: ByteSearch.hasPrefix(one, other)
        case .endswith: ByteSearch.hasSuffix(one, other)
        }
    }
}
