/// Finds many byte strings in a text in one pass, however many they are and however they overlap (Aho and Corasick).
///
/// A state is a beginning of one of the strings. Making it costs their bytes, once; searching costs the text's bytes and the
/// places that are found. It holds 20 bytes for each state.
struct LiteralAutomaton: Sendable {
    private struct State {
        /// The last of the state's bytes.
        let byte: UInt8
        /// States are numbered level by level, so that those one byte longer stand together, up to the next state's first.
        var firstChild: UInt32 = 0
        /// The longest other state that ends as this one does.
        let fallback: UInt32
        /// The string that is this state, plus one; 0 for none.
        var literal: UInt32 = 0
        /// This state or the first along the fallbacks that is a string; 0 for none.
        var found: UInt32 = 0
    }

    /// Behind them stands one more, which ends the last one's children.
    private let states: [State]
    /// The state of one byte, for each byte; 0, the empty state, where no string begins with it.
    private let first: [UInt32]

    /// - Parameter literals: distinct, none of them empty; they have the numbers of their places.
    init(_ literals: [[UInt8]]) {
        let order = literals.indices.sorted { literals[$0].lexicographicallyPrecedes(literals[$1]) }
        var states = [State(byte: 0, fallback: 0)]
        // For each state which of the literals, in their order, begin with it.
        var members = [order.indices]
        var (number, depth, levelEnd) = (0, 0, 1)
        while number < states.count {
            if number == levelEnd { (depth, levelEnd) = (depth + 1, states.count) }
            states[number].firstChild = UInt32(states.count)
            var rest = members[number]
            if let shortest = rest.first, literals[order[shortest]].count == depth {
                states[number].literal = UInt32(order[shortest] + 1)
                rest.removeFirst()
            }
            let fallback = states[number].fallback
            states[number].found = states[number].literal > 0 ? UInt32(number) : states[Int(fallback)].found
            while let start = rest.first {
                let byte = literals[order[start]][depth]
                let end = rest.first { literals[order[$0]][depth] != byte } ?? rest.upperBound
                let target = number == 0 ? 0 : Self.next(states, from: fallback, byte)
                states.append(State(byte: byte, fallback: target))
                members.append(start..<end)
                rest = end..<rest.upperBound
            }
            number += 1
        }
        states.append(State(byte: 0, firstChild: UInt32(states.count), fallback: 0))
        first = (UInt8.min ... .max).map { byte in
            states.withUnsafeBufferPointer { Self.child($0, of: 0, byte) ?? 0 }
        }
        self.states = states
    }

    private static func next(_ states: [State], from start: UInt32, _ byte: UInt8) -> UInt32 {
        states.withUnsafeBufferPointer { states in
            var state = start
            while true {
                if let child = child(states, of: state, byte) { return child }
                guard state > 0 else { return 0 }
                state = states[Int(state)].fallback
            }
        }
    }

    @inline(__always)
    private static func child(_ states: UnsafeBufferPointer<State>, of state: UInt32, _ byte: UInt8) -> UInt32? {
        var low = states[Int(state)].firstChild
        let end = states[Int(state) + 1].firstChild
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if states[Int(middle)].byte < byte { low = middle + 1 } else { high = middle }
        }
        return low < end && states[Int(low)].byte == byte ? low : nil
    }

    /// Whether a literal that is accepted stands in a text. Each is offered where it ends, until one is accepted.
    @inline(__always)
    func contains(
        in text: UnsafeRawBufferPointer, where accepts: (_ literal: Int, _ end: Int) -> Bool
    ) -> Bool {
        states.withUnsafeBufferPointer { states in
            first.withUnsafeBufferPointer { first in
                var state: UInt32 = 0
                for position in text.indices {
                    let byte = text[position]
                    while true {
                        if state == 0 {
                            state = first[Int(byte)]
                            break
                        }
                        if let child = Self.child(states, of: state, byte) {
                            state = child
                            break
                        }
                        state = states[Int(state)].fallback
                    }
                    var found = states[Int(state)].found
                    while found > 0 {
                        if accepts(Int(states[Int(found)].literal) - 1, position + 1) { return true }
                        found = states[Int(states[Int(found)].fallback)].found
                    }
                }
                return false
            }
        }
    }
}
