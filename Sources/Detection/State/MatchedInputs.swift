/// What one event matched: for every operator the inputs, and for each of them the values of the fields that it reads. It keeps
/// its memory from event to event.
final class MatchedInputs {
    /// By operator: its inputs that matched.
    private(set) var inputs: [InputSet]
    /// By operator: where its inputs begin in ``starts``.
    private let firstInputs: [Int]
    /// By operator and input: where the fields' slots begin.
    private let starts: GrowingArray<Int32>
    private let slots = GrowingArray<EventValues.Slot>(capacity: 64, filling: EventValues.Slot())
    private var slotCount = 0

    /// - Parameter inputCounts: Of each operator.
    init(inputCounts: [Int]) {
        inputs = Array(repeating: InputSet(), count: inputCounts.count)
        var first = 0
        firstInputs = inputCounts.map { count in
            defer { first += count }
            return first
        }
        starts = GrowingArray(capacity: first, filling: 0)
    }

    /// Notes that the event at hand matched an input.
    func note(_ place: Int, _ input: Int, fields: Range<Int>, of program: RuleProgram, _ values: EventValues) {
        inputs[place].insert(input)
        starts.base[firstInputs[place] + input] = Int32(slotCount)
        slots.reserve(slotCount + fields.count, filling: EventValues.Slot())
        for field in fields {
            slots.base[slotCount] = values.resolve(Int(program.consumerFields[field]))
            slotCount += 1
        }
    }

    /// The values of a field of a noted input.
    @inline(__always)
    func slot(_ place: Int, _ input: Int, field: Int) -> EventValues.Slot {
        slots.base[Int(starts.base[firstInputs[place] + input]) + field]
    }

    /// Takes an operator's inputs: they have been looked at.
    func take(_ place: Int) -> InputSet {
        defer { inputs[place] = InputSet() }
        return inputs[place]
    }

    /// Forgets the event. Every operator's inputs have been taken.
    func end() { slotCount = 0 }
}
