package import EventModel

/// What an operator is shown: an event that some of its inputs matched, or a finding of another operator.
///
/// It borrows the event's memory and is valid inside ``StatefulOperator/observe(_:into:)`` only.
package struct StateObservation {
    /// Bytes of a value that observations hand out as text: enough to tell values apart for people.
    package static let maximumTextBytes = 512

    enum Values {
        /// The event's values, and where those of the fields of the operator's matched inputs stand.
        case event(EventValues, MatchedInputs, operator: Int)
        /// Fields by input as another operator's finding has them; nil for a field that it does not have.
        case finding([[[UInt8]?]])
    }

    package let index: LeafIndex
    /// The event's own time.
    package let time: Timestamp
    /// The inputs that matched, ascending; at least one.
    package let inputs: InputSet
    /// The highest severity that other rules have raised for this event, those in their learning period left out. What
    /// alerted must not become usual.
    package let raised: Severity?
    /// Earlier leaves that speak for it, when it is another operator's finding.
    package let evidence: [LeafIndex]
    /// Who the event is about: its actor, else its resource; empty when it names neither.
    package let entity: String
    let values: Values

    /// How many values a field of an input has: none when the event lacks it or it is null.
    package func valueCount(of field: Int, input: Int) -> Int {
        switch values {
        case .event(let values, let matched, let place):
            let slot = matched.slot(place, input, field: field)
            return (slot.first..<slot.end).count { values.kind($0) != .null }
        case .finding(let fields): return fields[input][field] == nil ? 0 : 1
        }
    }

    /// Hands every value of a field that is not null to `body`: its text as the event has it, in folded case when asked
    /// for. Values are equal to rules when their folded bytes are. The bytes are valid inside `body` only.
    package func forEachValue(
        of field: Int, input: Int, folded: Bool = true, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        switch values {
        case .event(let values, let matched, let place):
            let slot = matched.slot(place, input, field: field)
            for index in slot.first..<slot.end where values.kind(index) != .null {
                body(folded ? values.folded(index) : values.text(index))
            }
        case .finding(let fields):
            guard let value = fields[input][field] else { return }
            if folded {
                CompiledTest.foldedLiteral(value).withUnsafeBytes(body)
            } else {
                value.withUnsafeBytes(body)
            }
        }
    }

    /// The first value of a field in folded case; nil when there is none.
    package func firstFolded(of field: Int, input: Int) -> [UInt8]? {
        var result: [UInt8]?
        forEachValue(of: field, input: input) { if result == nil { result = Array($0) } }
        return result
    }

    /// The first value of a field for people to read; nil when there is none.
    package func firstText(of field: Int, input: Int) -> String? {
        var result: String?
        forEachValue(of: field, input: input, folded: false) { value in
            if result == nil { result = String(decoding: value.prefix(Self.maximumTextBytes), as: UTF8.self) }
        }
        return result
    }

    /// The first value of a field as a number, numeric text included; nil when it is none.
    package func firstNumber(of field: Int, input: Int) -> Double? {
        var result: Double?
        forEachValue(of: field, input: input, folded: false) { value in
            if result == nil, let number = RuleNumber(eventText: value) { result = number.double }
        }
        return result
    }
}
