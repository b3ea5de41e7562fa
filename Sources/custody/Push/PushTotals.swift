import EventModel

/// What a push has done so far.
struct PushTotals: Equatable, Sendable {
    var accepted = 0
    var duplicates = 0
    var rejected = 0
    /// Entries that wait in the spool because the server was away.
    var spooled = 0
    /// Entries that came from the spool of an earlier push; they are among the accepted, duplicates and refused.
    var resumed = 0
    var requests = 0
    var firstIndex: Int?
    var lastIndex: Int?

    mutating func add(_ answer: PushAnswer) {
        requests += 1
        accepted += answer.accepted
        duplicates += answer.duplicates
        rejected += answer.rejected.count
        if let first = answer.firstIndex { firstIndex = min(firstIndex ?? first, first) }
        if let last = answer.lastIndex { lastIndex = max(lastIndex ?? last, last) }
    }

    /// `1,200 events accepted (indexes 0 to 1199), 3 duplicates; 200 came from the spool`.
    var summary: String {
        var text = "\(Self.grouped(accepted)) \(accepted == 1 ? "event" : "events") accepted"
        if let firstIndex, let lastIndex {
            text += firstIndex == lastIndex ? " (index \(firstIndex))" : " (indexes \(firstIndex) to \(lastIndex))"
        }
        if duplicates > 0 { text += ", \(Self.grouped(duplicates)) \(duplicates == 1 ? "duplicate" : "duplicates")" }
        if rejected > 0 { text += ", \(Self.grouped(rejected)) refused" }
        if resumed > 0 { text += "; \(Self.grouped(resumed)) came from the spool" }
        if spooled > 0 { text += "; \(Self.grouped(spooled)) spooled" }
        return text
    }

    var json: JSONObject {
        var object = JSONObject()
        object.add("accepted", accepted)
        object.add("duplicates", duplicates)
        object.add("rejected", rejected)
        object.add("spooled", spooled)
        object.add("resumed", resumed)
        object.add("requests", requests)
        object.add("first_index", firstIndex)
        object.add("last_index", lastIndex)
        return object
    }

    static func grouped(_ number: Int) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
