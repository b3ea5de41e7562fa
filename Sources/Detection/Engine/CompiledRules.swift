import Synchronization

/// A rule set ready for evaluation: a program for every kind of source, made when that kind first appears. Immutable to
/// its users and shared by all engines.
final class CompiledRules: Sendable {
    /// Kinds are connectors' names, a few dozen; more than this would be nonsense from outside and shares one program.
    private static let maximumKinds = 1_024

    let ruleSet: RuleSet
    private let programs = Mutex<[[UInt8]: RuleProgram]>([:])
    private let everything: Mutex<RuleProgram?> = Mutex(nil)

    let plan: OperatorPlan

    init(_ ruleSet: RuleSet) {
        self.ruleSet = ruleSet
        plan = OperatorPlan(ruleSet.rules)
    }

    /// The program of the rules that look at events of this kind.
    func program(kind: [UInt8]) -> RuleProgram {
        programs.withLock { programs in
            if let program = programs[kind] { return program }
            let name = String(decoding: kind, as: UTF8.self)
            let program = build(ruleSet.rules.indices.filter { ruleSet.rules[$0].route.includes(name) })
            if programs.count < Self.maximumKinds { programs[kind] = program }
            return program
        }
    }

    /// The program of all rules, whatever their log source.
    func programOfEverything() -> RuleProgram {
        everything.withLock { program in
            if let program { return program }
            let built = build(Array(ruleSet.rules.indices))
            program = built
            return built
        }
    }

    private func build(_ numbers: [Int]) -> RuleProgram {
        // A rule without selections of its own is never asked about an event.
        RuleProgramBuilder.build(
            ruleSet.rules, numbers.filter { ruleSet.rules[$0].expression != .any([]) }, plan: plan)
    }
}
