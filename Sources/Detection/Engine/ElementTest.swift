import EventModel
import Synchronization

/// The condition of `field[any]`, `[all]` or `[none]`: a small program of its own, asked of each element.
///
/// `@unchecked Sendable`: the evaluator, which is not, is only used with the lock held.
final class ElementTest: @unchecked Sendable {
    /// Elements of one array that are looked at. Arrays of audit logs have dozens; one with more is judged by its beginning.
    static let maximumElements = 10_000

    private let quantifier: ValueTest.Quantifier
    private let program: RuleProgram
    private let evaluator = EventEvaluator(cachedValues: 256)
    private let lock = Mutex(())

    init(_ quantifier: ValueTest.Quantifier, _ expression: RuleExpression) {
        self.quantifier = quantifier
        program = RuleProgramBuilder.build(expression)
    }

    func holds(_ elements: [JSONValue]) -> Bool {
        let meets = { (element: JSONValue) in self.meets(element) }
        return switch quantifier {
        case .any: elements.contains(where: meets)
        case .all: !elements.isEmpty && elements.allSatisfy(meets)
        case .none: !elements.contains(where: meets)
        }
    }

    private func meets(_ element: JSONValue) -> Bool {
        lock.withLock { _ in
            var isMet = false
            evaluator.evaluate(program, view: nil, payload: element) { _ in isMet = true }
            evaluator.values.end()
            return isMet
        }
    }
}
