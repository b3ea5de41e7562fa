import EventModel
import QueryLanguage

/// Evaluates programs over events, one event at a time. Answers are kept for the event, so that a predicate that many
/// rules share is asked once.
final class EventEvaluator {
    private struct Answer {
        var stamp: UInt64 = 0
        var holds = false
    }

    let values = EventValues()
    private var answers: [Answer] = []
    private var asked: [UInt64] = []
    private var stamp: UInt64 = 0

    /// Hands the number of every matching rule to `body`, ascending within candidates and unconditional rules.
    func evaluate(
        _ program: RuleProgram, view: SealedView?, payload: JSONValue?, _ body: (Int) -> Void
    ) {
        stamp += 1
        if answers.count < program.predicates.count {
            answers.append(contentsOf: repeatElement(Answer(), count: program.predicates.count - answers.count))
        }
        if asked.count < program.rules.count {
            asked.append(contentsOf: repeatElement(0, count: program.rules.count - asked.count))
        }
        values.begin(view: view, payload: payload, fieldCount: program.fields.count)
        for rule in program.unconditional { ask(Int(rule), of: program, body) }
        for witness in program.witnesses {
            let slot = slot(witness.field, of: program)
            for index in slot.first..<slot.end where values.kind(index) != .null {
                witness.table.forEach(values.folded(index)) { ask(Int($0), of: program, body) }
            }
        }
    }

    private func ask(_ rule: Int, of program: RuleProgram, _ body: (Int) -> Void) {
        guard asked[rule] != stamp else { return }
        asked[rule] = stamp
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
        if answers[number].stamp == stamp { return answers[number].holds }
        let holds = test(number, of: program)
        answers[number] = Answer(stamp: stamp, holds: holds)
        return holds
    }

    /// The predicates that made a matching rule match: those that hold, and those that a `not` needed to fail.
    func explain(_ rule: Int, of program: RuleProgram) -> [String] {
        var lines: [String] = []
        explain(Int(program.roots[rule]), of: program, expected: true, into: &lines)
        return lines
    }

    private func explain(_ number: Int, of program: RuleProgram, expected: Bool, into lines: inout [String]) {
        guard holds(number, of: program) == expected, lines.count < RuleMatch.maximumExplanations else { return }
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

    // MARK: Predicates

    private func test(_ number: Int, of program: RuleProgram) -> Bool {
        let slot = slot(Int(program.predicateFields[number]), of: program)
        let test = program.tests[number]
        switch test {
        case .exists: return slot.isFound
        case .isNull:
            return slot.first == slot.end || (slot.first..<slot.end).contains { values.kind($0) == .null }
        case .reference(let field, let overlap, let isCased):
            let other = self.slot(field, of: program)
            return (slot.first..<slot.end).contains { left in
                (other.first..<other.end).contains { compare(left, $0, overlap, isCased: isCased) }
            }
        default:
            for index in slot.first..<slot.end where values.kind(index) != .null {
                if self.test(test, index) { return true }
            }
            return false
        }
    }

    /// The access to a field is copied only when the field was not looked up for this event.
    @inline(__always)
    private func slot(_ field: Int, of program: RuleProgram) -> EventValues.Slot {
        values.resolved(field) ?? values.resolve(field, program.fields[field])
    }

    private func test(_ test: CompiledTest, _ index: Int) -> Bool {
        switch test {
        case .equal(let bytes, let isCased):
            return bytes.withUnsafeBytes { text(index, isCased).hasSameBytes(as: $0) }
        case .prefix(let bytes, let isCased):
            return bytes.withUnsafeBytes { ByteSearch.hasPrefix(text(index, isCased), $0) }
        case .suffix(let bytes, let isCased):
            return bytes.withUnsafeBytes { ByteSearch.hasSuffix(text(index, isCased), $0) }
        case .contains(let bytes, let isCased):
            return bytes.withUnsafeBytes { ByteSearch.contains(text(index, isCased), $0) }
        case .anyValue: return true
        case .glob(let glob, let isCased): return glob.matches(text(index, isCased))
        case .regex(let regex): return regex.matches(values.text(index))
        case .network(let range, let isV4): return isInside(range, isV4: isV4, values.text(index))
        case .number(let comparison, let bound):
            guard values.kind(index) == .number || values.kind(index) == .text,
                let number = RuleNumber(eventText: values.text(index))
            else { return false }
            return comparison.holds(number, bound)
        case .timePart(let part, let comparison, let bound):
            guard values.kind(index) == .text, let time = Timestamp(parsing: values.text(index)) else { return false }
            return comparison.holds(.integer(part.value(of: time)), .integer(bound))
        case .isNull, .exists, .reference: return false
        }
    }

    @inline(__always)
    private func text(_ index: Int, _ isCased: Bool) -> UnsafeRawBufferPointer {
        isCased ? values.text(index) : values.folded(index)
    }

    /// An IPv4-mapped IPv6 address is an IPv6 address here: the families never mix.
    private func isInside(_ range: AddressRange, isV4: Bool, _ text: UnsafeRawBufferPointer) -> Bool {
        guard text.contains(UInt8(ascii: ":")) != isV4, let address = IPAddress(parsing: text) else { return false }
        return range.contains(address)
    }

    private func compare(_ left: Int, _ right: Int, _ overlap: ValueTest.Overlap, isCased: Bool) -> Bool {
        guard values.kind(left) != .null, values.kind(right) != .null else { return false }
        if !isCased {
            // Folding one may move the other: both are folded before either is looked at.
            _ = values.folded(left)
            _ = values.folded(right)
        }
        let (one, other) = (text(left, isCased), text(right, isCased))
        return switch overlap {
        case .whole: one.hasSameBytes(as: other)
        case .contains: ByteSearch.contains(one, other)
        case .startswith: ByteSearch.hasPrefix(one, other)
        case .endswith: ByteSearch.hasSuffix(one, other)
        }
    }
}
