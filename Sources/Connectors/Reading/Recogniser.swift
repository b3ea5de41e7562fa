package import EventModel

/// Finds the connector that an event belongs to, by its shape and the delivery's headers.
///
/// Recognition says what an event looks like; it never says that its sender is who it seems.
package struct Recogniser: Sendable {
    private enum Claim: BitwiseCopyable, Sendable {
        case has(Int)
        case lacks(Int)
        case equals(Int, Kept<Kept<UInt8>>)
        case beginsWith(Int, Kept<Kept<UInt8>>)

        var demandedSlot: Int? {
            switch self {
            case .has(let slot), .equals(let slot, _), .beginsWith(let slot, _): slot
            case .lacks: nil
            }
        }
    }

    private struct Rule: BitwiseCopyable, Sendable {
        let connector: Int
        let headers: Kept<Kept<UInt8>>
        let claims: Kept<Claim>
        let score: Int
    }

    /// A rule to look at when a payload has a value in some slot.
    private struct Candidate: BitwiseCopyable, Sendable {
        let rule: Int32
        /// Another slot that it demands, the most telling one left; -1 for none. Most rules that cannot fit lack it.
        let second: Int32
    }

    private let connectors: [Connector]
    private let paths: PathTrie
    /// Highest score first: of the rules that fit, the first decides.
    private let rules: Kept<Rule>
    /// The slots that each rule demands.
    private let demands: SlotMasks
    /// For each slot, the rules of which it is the most telling demand: the one that the fewest rules make. A payload that
    /// has no value there cannot fit, so that only rules whose slot it has are looked at, however many there are.
    private let rulesOfSlot: Kept<Kept<Candidate>>
    /// Rules that demand headers alone.
    private let rulesOfHeaders: Kept<Int32>
    /// Holds all these.
    private let memory = ProgramMemory()

    init(_ connectors: [Connector]) {
        self.connectors = connectors
        let memory = self.memory
        var scope = Scope(memory: memory)
        var rules: [Rule] = []
        for (number, connector) in connectors.enumerated() {
            for rule in connector.recognition {
                // What a collector wrapped, or what stands first in a batch, is recognised by the same shape further down.
                for wrapper in [nil] + connector.inner.map(Optional.some) {
                    if wrapper != nil, rule.claims.isEmpty { continue }
                    let claims = rule.claims.map { claim in
                        switch claim {
                        case .has(let path): Claim.has(scope.slot(path.inside(wrapper)))
                        case .lacks(let path): Claim.lacks(scope.slot(path.inside(wrapper)))
                        case .equals(let path, let values):
                            Claim.equals(scope.slot(path.inside(wrapper)), memory.keep(texts: values))
                        case .beginsWith(let path, let values):
                            Claim.beginsWith(scope.slot(path.inside(wrapper)), memory.keep(texts: values))
                        }
                    }
                    // A wrapped shape counts a little less than one that stands at the top.
                    let score = wrapper == nil ? rule.score : rule.score - 5
                    rules.append(
                        Rule(
                            connector: number, headers: memory.keep(texts: rule.headers), claims: memory.keep(claims),
                            score: score))
                }
            }
        }
        self.rules = memory.keep(
            rules.enumerated()
                .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }.map(\.element))
        paths = PathTrie(scope.paths)
        var demands = SlotMasks(slotCount: scope.paths.count)
        var demandCounts = [Int](repeating: 0, count: scope.paths.count)
        for rule in self.rules {
            let slots = Set(rule.claims.compactMap(\.demandedSlot))
            demands.append(Array(slots))
            for slot in slots { demandCounts[slot] += 1 }
        }
        self.demands = demands
        var rulesOfSlot = [[Candidate]](repeating: [], count: scope.paths.count)
        var rulesOfHeaders: [Int32] = []
        for (number, rule) in self.rules.enumerated() {
            let slots = Set(rule.claims.compactMap(\.demandedSlot))
                .sorted { (demandCounts[$0], $0) < (demandCounts[$1], $1) }
            if let telling = slots.first {
                rulesOfSlot[telling].append(
                    Candidate(rule: Int32(number), second: slots.count > 1 ? Int32(slots[1]) : -1))
            } else {
                rulesOfHeaders.append(Int32(number))
            }
        }
        self.rulesOfSlot = memory.keep(rulesOfSlot.map { memory.keep($0) })
        self.rulesOfHeaders = memory.keep(rulesOfHeaders)
    }

    /// The connector whose shape fits best; nil when none does.
    ///
    /// Cost: one walk over those parts of the payload that some shape speaks of, and a comparison for each shape whose most
    /// telling member it has. It does not grow with the number of connectors.
    package func connector(
        for value: JSONValue, headers: DeliveryHeaders, using normaliser: inout Normaliser
    ) -> Connector? {
        normaliser.slots.reset(count: paths.slotCount)
        paths.walk(value, into: &normaliser.slots)
        var best = rules.count
        for slot in normaliser.slots.touched {
            for candidate in rulesOfSlot[slot] {
                // Behind one that fits stand only worse ones.
                guard candidate.rule < best else { break }
                guard candidate.second < 0 || normaliser.slots.has(Int(candidate.second)) else { continue }
                if fits(Int(candidate.rule), normaliser.slots, headers) { best = Int(candidate.rule) }
            }
        }
        if !headers.isEmpty {
            for candidate in rulesOfHeaders where candidate < best {
                if fits(Int(candidate), normaliser.slots, headers) { best = Int(candidate) }
            }
        }
        return best < rules.count ? connectors[rules[best].connector] : nil
    }

    private func fits(_ number: Int, _ slots: borrowing PathSlots, _ headers: DeliveryHeaders) -> Bool {
        guard demands.isCovered(number, slots.present) else { return false }
        for claim in rules[number].claims where !Self.holds(claim, slots) { return false }
        return rules[number].headers.allSatisfy { headers.contains(lowercased: $0.bytes) }
    }

    private static func holds(_ claim: Claim, _ slots: borrowing PathSlots) -> Bool {
        switch claim {
        case .has(let slot): return slots[slot] != nil
        case .lacks(let slot): return slots[slot] == nil
        case .equals(let slot, let values):
            guard let text = slots[slot]?.string else { return false }
            return values.contains { $0.bytes.hasSameBytes(as: text) }
        case .beginsWith(let slot, let values):
            guard let text = slots[slot]?.string else { return false }
            return values.contains { $0.begins(text) }
        }
    }
}

extension Connector {
    /// Where an event may lie inside a document.
    fileprivate var inner: [PayloadPath] {
        program.wrappers
            + batches.map { batch in
                var path = batch.path
                path.steps.append(.index(0))
                return path
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
