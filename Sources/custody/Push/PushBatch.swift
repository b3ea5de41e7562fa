import EventModel

/// What goes to the server in one request.
struct PushBatch: Hashable, Sendable {
    /// How the entries lie in the body.
    enum Form: String, Sendable {
        case lines = "ndjson"
        case document = "json"

        var contentType: String { self == .lines ? "application/x-ndjson" : "application/json" }
    }

    /// Where the entries of a batch come from, for messages about single ones.
    struct Origin: Hashable, Sendable {
        /// The file's name; `-` is standard input.
        let file: String
        /// What the numbers count: lines, or entries of an array.
        let unit: String
        /// The number of each entry in the file.
        let numbers: [Int]
    }

    let body: [UInt8]
    let form: Form
    /// The entries that were counted; a line that is a batch itself counts once.
    let entries: Int
    /// When it was read: the order of the spool.
    let read: Timestamp
    /// The idempotency key: the same for every attempt at this batch, also from the spool.
    let key: String
    let origin: Origin?

    /// Where an entry that the server refused is. The server counts events, so its position is ours only while no entry was
    /// itself a batch of events.
    func place(of position: Int, answeredEntries: Int) -> String {
        guard let origin else { return "entry \(position) of a spooled batch" }
        guard answeredEntries == entries, origin.numbers.indices.contains(position) else {
            return "\(origin.file): entry \(position) behind \(origin.unit) \((origin.numbers.first ?? 1) - 1)"
        }
        return "\(origin.file): \(origin.unit) \(origin.numbers[position])"
    }
}
