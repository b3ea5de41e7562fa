/// Whether an operator is out of room. It is from the moment at which it gave something up that it still needed, until it
/// holds no more than half of what it may: what comes and goes at the limit is one spell, not many.
///
/// No part of the state: after a start it is said again when something is given up again.
struct Saturation: Sendable {
    private(set) var isSaturated = false

    mutating func gaveUp() { isSaturated = true }

    mutating func holds(_ bytes: Int, of limit: Int) {
        if bytes <= limit / 2 { isSaturated = false }
    }
}
