import EventModel
import Synchronization

/// The rules of one kind of source, compiled: predicates and fields interned, conditions flattened, every field's predicates
/// ready to be answered together, and an index from the predicates that a rule cannot do without to the rules.
///
/// What the evaluation of every event reads lies in arrays of plain values, apart from what only a match needs.
final class RuleProgram: Sendable {

    struct Node: BitwiseCopyable, Sendable {
        enum Kind: UInt8, BitwiseCopyable, Sendable { case predicate, all, any, not }
        let kind: Kind
        /// A predicate's number, or the place of the first child in `children`.
        let first: Int32
        let count: Int32
    }

    /// An operator that takes the matches of a rule, with the fields that it reads: a range of ``consumerFields``.
    struct Consumer: BitwiseCopyable, Sendable {
        let place: Int32
        let input: Int32
        let firstField: Int32
        let endField: Int32
    }

    /// What becomes of a rule's match.
    struct Use: BitwiseCopyable, Sendable {
        /// Whether it is raised, or only feeds operators.
        let isRaised: Bool
        /// A range of ``consumers``.
        let firstConsumer: Int32
        let endConsumer: Int32
    }

    /// What only a match that is raised needs.
    struct CompiledRule: Sendable {
        let rule: SigmaRule
        /// The fields that tell one alert of the rule from another.
        let group: [(name: String, field: Int)]
    }

    private static let lastCacheKey = Atomic<UInt64>(0)

    let fields: [FieldAccess]
    /// Finds the fields in payloads, but for ``longFields``.
    let automaton: FieldAutomaton
    /// Fields whose names have too many parts for the automaton.
    let longFields: [Int32]
    let canonical: CanonicalFields
    /// The field that is every value; -1 for none.
    let anywhereField: Int
    /// The field that is the payload itself; -1 for none.
    let elementField: Int
    /// By field: its predicates; nil when no condition asks about its value.
    let matchers: [FieldMatcher?]
    /// By field: the predicate that it is there; -1 for none.
    let existence: FlatArray<Int32>
    /// Tells values of this program's fields from those of others in a cache.
    let cacheKey: UInt64
    /// Every predicate's field.
    let predicateFields: FlatArray<Int32>
    /// Every predicate's test.
    let tests: [CompiledTest]
    /// By predicate: whether it is not answered by looking at values.
    let isOnDemand: FlatArray<Bool>
    /// The predicates as the rules have them, for explanations.
    let predicates: [Predicate]
    let nodes: FlatArray<Node>
    let children: FlatArray<Int32>
    let rules: [CompiledRule]
    /// By rule.
    let uses: FlatArray<Use>
    let consumers: FlatArray<Consumer>
    let consumerFields: FlatArray<Int32>
    /// Every rule's node.
    let roots: FlatArray<Int32>
    /// By predicate: the rules to ask when it holds, as a range of ``witnessedRules``.
    let witnessed: FlatArray<WitnessIndex.Range>
    let witnessedRules: FlatArray<Int32>
    /// Rules without a witness: they are asked about every event.
    let unconditional: [Int32]

    fileprivate init(_ builder: RuleProgramBuilder, _ rules: [CompiledRule], roots: [Int32]) {
        fields = builder.fields
        var names: [FieldAutomatonBuilder.Name] = []
        var longFields: [Int32] = []
        for (field, access) in fields.enumerated() {
            if access.paths.contains(where: { $0.parts.count > FieldAutomaton.maximumParts }) {
                longFields.append(Int32(field))
                continue
            }
            for (rank, path) in access.paths.enumerated() {
                names.append(
                    FieldAutomatonBuilder.Name(
                        field: field, rank: rank, parts: path.parts, ignoresCase: path.ignoresCase))
            }
        }
        automaton = FieldAutomaton(names)
        self.longFields = longFields
        canonical = CanonicalFields(fields)
        anywhereField = fields.firstIndex(where: \.isAnywhere) ?? -1
        elementField = fields.firstIndex(where: \.isElement) ?? -1
        var byField: [[(number: Int32, test: CompiledTest)]] = Array(repeating: [], count: fields.count)
        var existence = [Int32](repeating: -1, count: fields.count)
        for (number, test) in builder.tests.enumerated() {
            let field = Int(builder.predicateFields[number])
            if case .exists = test { existence[field] = Int32(number) }
            if test.looksAtValues { byField[field].append((Int32(number), test)) }
        }
        matchers = byField.map { $0.isEmpty ? nil : FieldMatcher($0) }
        self.existence = FlatArray(existence)
        cacheKey = Self.lastCacheKey.add(1, ordering: .relaxed).newValue << 32
        predicateFields = FlatArray(builder.predicateFields)
        tests = builder.tests
        isOnDemand = FlatArray(
            builder.tests.map { test in
                if case .exists = test { return false }
                return !test.looksAtValues
            })
        predicates = builder.predicates
        nodes = FlatArray(builder.nodes)
        children = FlatArray(builder.children)
        self.rules = rules
        uses = FlatArray(builder.uses)
        consumers = FlatArray(builder.consumers)
        consumerFields = FlatArray(builder.consumerFields)
        self.roots = FlatArray(roots)
        let index = WitnessIndex(roots, nodes: builder.nodes, children: builder.children, tests: builder.tests)
        witnessed = FlatArray(index.ranges)
        witnessedRules = FlatArray(index.rules)
        unconditional = index.unconditional
    }
}

/// Builds a program.
struct RuleProgramBuilder {
    private struct Seen<Subject: Hashable>: Hashable {
        let subject: Subject
        let payloadOnly: Bool
    }

    private var fieldNumbers: [Seen<PredicateTarget>: Int] = [:]
    private var predicateNumbers: [Seen<Predicate>: Int] = [:]
    /// Whether the rule at hand sees payloads alone.
    private var payloadOnly = false
    fileprivate private(set) var fields: [FieldAccess] = []
    fileprivate private(set) var predicateFields: [Int32] = []
    fileprivate private(set) var tests: [CompiledTest] = []
    fileprivate private(set) var predicates: [Predicate] = []
    fileprivate private(set) var nodes: [RuleProgram.Node] = []
    fileprivate private(set) var children: [Int32] = []
    fileprivate private(set) var uses: [RuleProgram.Use] = []
    fileprivate private(set) var consumers: [RuleProgram.Consumer] = []
    fileprivate private(set) var consumerFields: [Int32] = []
    private var costs: [Int] = []

    /// - Parameter numbers: The rules of the set that the program evaluates.
    static func build(_ rules: [SigmaRule], _ numbers: [Int], plan: OperatorPlan) -> RuleProgram {
        var builder = RuleProgramBuilder()
        return builder.build(rules, numbers, plan)
    }

    private mutating func build(_ rules: [SigmaRule], _ numbers: [Int], _ plan: OperatorPlan) -> RuleProgram {
        var compiled: [RuleProgram.CompiledRule] = []
        var roots: [Int32] = []
        for number in numbers {
            let rule = rules[number]
            payloadOnly = rule.seesPayloadOnly
            roots.append(encode(rule.expression))
            let group = rule.extensions.group.map { (name: $0.written, field: field(.field($0))) }
            let firstConsumer = Int32(consumers.count)
            for consumer in plan.ofMatches[number] {
                let firstField = Int32(consumerFields.count)
                for name in consumer.fields { consumerFields.append(Int32(field(.field(name)))) }
                consumers.append(
                    RuleProgram.Consumer(
                        place: Int32(consumer.place), input: Int32(consumer.input), firstField: firstField,
                        endField: Int32(consumerFields.count)))
            }
            uses.append(
                RuleProgram.Use(
                    isRaised: rule.definition == nil && plan.isRaised[number], firstConsumer: firstConsumer,
                    endConsumer: Int32(consumers.count)))
            compiled.append(RuleProgram.CompiledRule(rule: rule, group: group))
        }
        return RuleProgram(self, compiled, roots: roots)
    }

    /// A program of one condition, which is asked of elements of arrays.
    static func build(_ expression: RuleExpression) -> RuleProgram {
        var builder = RuleProgramBuilder()
        builder.payloadOnly = true
        let root = builder.encode(expression)
        return RuleProgram(builder, [], roots: [root])
    }

    private mutating func field(_ target: PredicateTarget) -> Int {
        let seen = Seen(subject: target, payloadOnly: payloadOnly)
        if let number = fieldNumbers[seen] { return number }
        fields.append(FieldAccess(target, payloadOnly: payloadOnly))
        fieldNumbers[seen] = fields.count - 1
        return fields.count - 1
    }

    private mutating func number(of predicate: Predicate) -> Int {
        let seen = Seen(subject: predicate, payloadOnly: payloadOnly)
        if let number = predicateNumbers[seen] { return number }
        let target = field(predicate.target)
        let test = CompiledTest(predicate.test) { field(.field($0)) }
        predicates.append(predicate)
        predicateFields.append(Int32(target))
        tests.append(test)
        predicateNumbers[seen] = predicates.count - 1
        return predicates.count - 1
    }

    private mutating func encode(_ expression: RuleExpression) -> Int32 {
        switch expression {
        case .predicate(let predicate):
            let number = number(of: predicate)
            let isAnywhere = fields[Int(predicateFields[number])].isAnywhere
            return append(.predicate, Int32(number), 1, cost: tests[number].cost * (isAnywhere ? 20 : 1))
        case .not(let inner):
            let child = encode(inner)
            children.append(child)
            return append(.not, Int32(children.count - 1), 1, cost: costs[Int(child)])
        case .all(let members): return encode(members, .all)
        case .any(let members): return encode(members, .any)
        }
    }

    private mutating func encode(_ members: [RuleExpression], _ kind: RuleProgram.Node.Kind) -> Int32 {
        // The cheapest question first: the answer is often known then.
        let encoded = members.map { encode($0) }.sorted { costs[Int($0)] < costs[Int($1)] }
        let first = children.count
        children.append(contentsOf: encoded)
        return append(kind, Int32(first), Int32(encoded.count), cost: encoded.reduce(0) { $0 + costs[Int($1)] })
    }

    private mutating func append(_ kind: RuleProgram.Node.Kind, _ first: Int32, _ count: Int32, cost: Int) -> Int32 {
        nodes.append(RuleProgram.Node(kind: kind, first: first, count: count))
        costs.append(cost)
        return Int32(nodes.count - 1)
    }
}
