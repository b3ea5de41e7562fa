package import EventModel

/// Finds the connector that an event belongs to, by its shape and the delivery's headers.
///
/// Recognition says what an event looks like; it never says that its sender is who it seems.
package struct Recogniser: Sendable {
    private enum Claim: Sendable {
        case has(Int)
        case lacks(Int)
        case equals(Int, [[UInt8]])
        case beginsWith(Int, [[UInt8]])

        var demandedSlot: Int? {
            switch self {
            case .has(let slot), .equals(let slot, _), .beginsWith(let slot, _): slot
            case .lacks: nil
            }
        }
    }

    private struct Rule: Sendable {
        let connector: Int
        let headers: [[UInt8]]
        let claims: [Claim]
        let score: Int
    }

    private let connectors: [Connector]
    private let paths: PathTrie
    /// Highest score first, so that the first rule that fits decides.
    private let rules: [Rule]
    /// The slots that each rule demands.
    private let demands: SlotMasks

    init(_ connectors: [Connector]) {
        self.connectors = connectors
        var scope = Scope()
        var rules: [Rule] = []
        for (number, connector) in connectors.enumerated() {
            for rule in connector.recognition {
                // What a collector wrapped is recognised by the same shape further down.
                for wrapper in [nil] + connector.program.wrappers.map(Optional.some) {
                    if wrapper != nil, rule.claims.isEmpty { continue }
                    let claims = rule.claims.map { claim in
                        switch claim {
                        case .has(let path): Claim.has(scope.slot(path.inside(wrapper)))
                        case .lacks(let path): Claim.lacks(scope.slot(path.inside(wrapper)))
                        case .equals(let path, let values): Claim.equals(scope.slot(path.inside(wrapper)), values)
                        case .beginsWith(let path, let values):
                            Claim.beginsWith(scope.slot(path.inside(wrapper)), values)
                        }
                    }
                    // A wrapped shape counts a little less than one that stands at the top.
                    let score = wrapper == nil ? rule.score : rule.score - 5
                    rules.append(Rule(connector: number, headers: rule.headers, claims: claims, score: score))
                }
            }
        }
        self.rules = rules.enumerated()
            .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }.map(\.element)
        paths = PathTrie(scope.paths)
        var demands = SlotMasks(slotCount: scope.paths.count)
        for rule in self.rules { demands.append(rule.claims.compactMap(\.demandedSlot)) }
        self.demands = demands
    }

    /// The connector whose shape fits best; nil when none does.
    ///
    /// Cost: one walk over the top level of the payload and a comparison for each declared shape.
    package func connector(
        for value: JSONValue, headers: DeliveryHeaders, using normaliser: inout Normaliser
    ) -> Connector? {
        normaliser.slots.reset(count: paths.slotCount)
        paths.walk(value, into: &normaliser.slots)
        for number in rules.indices where demands.isCovered(number, normaliser.slots.present) {
            let rule = rules[number]
            guard rule.claims.allSatisfy({ Self.holds($0, normaliser.slots) }) else { continue }
            guard rule.headers.isEmpty || rule.headers.allSatisfy({ headers[lowercased: $0] != nil }) else { continue }
            return connectors[rule.connector]
        }
        return nil
    }

    private static func holds(_ claim: Claim, _ slots: borrowing PathSlots) -> Bool {
        switch claim {
        case .has(let slot): return slots[slot] != nil
        case .lacks(let slot): return slots[slot] == nil
        case .equals(let slot, let values):
            guard let text = slots[slot]?.string else { return false }
            return values.contains { value in value.withUnsafeBytes { $0.hasSameBytes(as: text) } }
        case .beginsWith(let slot, let values):
            guard let text = slots[slot]?.string else { return false }
            return values.contains { text.starts(with: $0) }
        }
    }
}

extension PayloadPath {
    fileprivate func inside(_ outer: PayloadPath?) -> PayloadPath {
        guard var path = outer else { return self }
        path.steps += steps
        return path
    }
}
