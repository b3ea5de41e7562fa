/// Times at which groups have to be looked at, the earliest first: a binary heap.
struct DeadlineQueue: Sendable {
    struct Deadline: Sendable {
        let time: Int64
        let key: ValueDigest

        static func < (left: Deadline, right: Deadline) -> Bool { (left.time, left.key) < (right.time, right.key) }
    }

    private var heap: [Deadline] = []

    var first: Deadline? { heap.first }
    var count: Int { heap.count }

    mutating func insert(_ deadline: Deadline) {
        heap.append(deadline)
        var place = heap.count - 1
        while place > 0, heap[place] < heap[(place - 1) / 2] {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func removeFirst() -> Deadline? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var place = 0
        while true {
            var smallest = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child] < heap[smallest] {
                smallest = child
            }
            guard smallest != place else { return first }
            heap.swapAt(place, smallest)
            place = smallest
        }
    }
}
