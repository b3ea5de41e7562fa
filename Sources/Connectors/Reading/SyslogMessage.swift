package import EventModel

/// One syslog message: RFC 5424, RFC 3164, or what comes close to either (RFC 3164 with an RFC 3339 time, as rsyslog forwards).
///
/// It borrows the bytes it was read from. A message must begin with a priority; whatever else is missing is absent.
package struct SyslogMessage {
    /// The connector of what no other knows; those `like` it are told from the ones of programs by their names.
    static let connectorName = "syslog-stream"
    static func isGeneral(_ connector: Connector) -> Bool { connector.name.hasPrefix("syslog-") }

    /// Parameters of structured data that are read; the rest stays in the payload.
    static let maximumParameters = 256

    /// 0 to 191 (RFC 5424 §6.2.1).
    package let priority: Int
    package private(set) var time: Timestamp?
    package private(set) var host: String?
    package private(set) var app: String?
    package private(set) var process: String?
    package private(set) var messageID: String?
    /// `SD-ID` and its parameters, in order.
    package private(set) var data: [(id: String, parameters: [(name: String, value: String)])] = []
    /// What the application wrote, without a byte order mark.
    package private(set) var content: Range<Int> = 0..<0
    /// Where the structured data stands, with its brackets.
    private var dataText: Range<Int> = 0..<0
    private let bytes: UnsafeRawBufferPointer

    /// - Parameter received: Decides on the year of RFC 3164's times: the one that brings them closest. Nil leaves them unread.
    package init?(_ bytes: UnsafeRawBufferPointer, received: Timestamp?) {
        var cursor = SyslogCursor(bytes)
        guard cursor.take(UInt8(ascii: "<")), let priority = cursor.number(digits: 1...3), priority <= 191,
            cursor.take(UInt8(ascii: ">"))
        else { return nil }
        self.priority = priority
        self.bytes = bytes
        let head = cursor
        if !readModern(&cursor) {
            cursor = head
            readTraditional(&cursor, received)
        }
        if bytes.slice(cursor.position..<bytes.count).starts(with: [0xEF, 0xBB, 0xBF]) { cursor.position += 3 }
        content = cursor.position..<bytes.count
    }

    /// The application's words.
    package var message: String { bytes.slice(content).text }

    /// Whether anything was read but the priority: a number in angle brackets alone makes no syslog.
    var hasHead: Bool { time != nil || host != nil || app != nil }

    package var facility: String { Self.facilities[priority >> 3] }
    package var severity: String { Self.severities[priority & 7] }

    // MARK: RFC 5424 §6

    private mutating func readModern(_ cursor: inout SyslogCursor) -> Bool {
        guard cursor.take(UInt8(ascii: "1")), cursor.take(UInt8(ascii: " ")), let stamp = cursor.word() else {
            return false
        }
        if stamp != "-" {
            guard let read = Timestamp(parsing: stamp), stamp.utf8.contains(UInt8(ascii: "T")) else { return false }
            time = read
        }
        guard let host = cursor.word(), let app = cursor.word(), let process = cursor.word(), let id = cursor.word()
        else { return false }
        self.host = Self.known(host)
        self.app = Self.known(app)
        self.process = Self.known(process)
        messageID = Self.known(id)
        let start = cursor.position
        readData(&cursor)
        dataText = data.isEmpty ? start..<start : start..<cursor.position
        _ = cursor.take(UInt8(ascii: " "))
        return true
    }

    private static func known(_ word: String) -> String? { word == "-" || word.isEmpty ? nil : word }

    /// Structured data (§6.3). What breaks its grammar is left to the message, so that nothing is lost.
    private mutating func readData(_ cursor: inout SyslogCursor) {
        if cursor.take(UInt8(ascii: "-")) { return }
        var parameters = 0
        while true {
            var element = cursor
            guard element.take(UInt8(ascii: "[")), let id = element.name() else { return }
            var read: [(name: String, value: String)] = []
            while element.take(UInt8(ascii: " ")) {
                guard let name = element.name(), element.take(UInt8(ascii: "=")), let value = element.quoted() else {
                    return
                }
                parameters += 1
                if parameters <= Self.maximumParameters { read.append((name, value)) }
            }
            guard element.take(UInt8(ascii: "]")) else { return }
            data.append((id, read))
            cursor = element
        }
    }

    // MARK: RFC 3164 §4

    private mutating func readTraditional(_ cursor: inout SyslogCursor, _ received: Timestamp?) {
        var timed = cursor
        if let civil = timed.traditionalTime() {
            if let received { time = Self.closest(civil, to: received) }
        } else if let word = timed.word(), word.utf8.count > 10, let read = Timestamp(parsing: word) {
            time = read
        } else {
            // No time, so no host either: all of it is what the application wrote (§4.3.3).
            return readTag(&cursor)
        }
        cursor = timed
        var named = cursor
        // `sshd[12]: …` right behind the time is a tag, not a host.
        if let word = named.word(), !word.hasSuffix(":"), !word.hasSuffix("]") {
            host = Self.known(word)
            cursor = named
        }
        readTag(&cursor)
    }

    private mutating func readTag(_ cursor: inout SyslogCursor) {
        var tagged = cursor
        guard let name = tagged.tag() else { return }
        var number: String?
        if tagged.take(UInt8(ascii: "[")) {
            guard let digits = tagged.until(UInt8(ascii: "]"), atMost: 32) else { return }
            number = digits
        }
        guard tagged.take(UInt8(ascii: ":")) else { return }
        _ = tagged.take(UInt8(ascii: " "))
        app = name
        process = number
        cursor = tagged
    }

    /// The year that brings a time without one closest to the time of receipt. Such times bear no zone either; they are read
    /// as UTC.
    private static func closest(_ civil: SyslogCursor.CivilTime, to received: Timestamp) -> Timestamp? {
        let year = Timestamp.civilDate(ofDay: Int64(received.day)).year
        let candidates = (year - 1...year + 1).compactMap { year in
            Timestamp(
                year: year, month: civil.month, day: civil.day, hour: civil.hour, minute: civil.minute,
                second: civil.second, nanosecond: 0, offsetSeconds: 0)
        }
        return candidates.min {
            $0.nanoseconds.distance(to: received.nanoseconds).magnitude
                < $1.nanoseconds.distance(to: received.nanoseconds).magnitude
        }
    }

    // MARK: What it becomes

    /// The message in the one form that connectors of lines know: `TIME HOST APP[PID]: CONTENT`.
    var line: [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(content.count + 96)
        if let time, let host {
            time.appendText(to: &line)
            line.append(contentsOf: " \(host) ".utf8)
        }
        if let app {
            line.append(contentsOf: app.utf8)
            if let process { line.append(contentsOf: "[\(process)]".utf8) }
            line.append(contentsOf: ": ".utf8)
        }
        line.append(contentsOf: bytes.slice(content))
        return line
    }

    /// The object that the paths of the connector `syslog-stream` speak of, as its own forms of lines make it, and more.
    var document: [UInt8] {
        var json: [UInt8] = Array("{".utf8)
        func add(_ name: String, _ value: String?) {
            guard let value else { return }
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            JSONText.appendString(name, to: &json)
            json.append(UInt8(ascii: ":"))
            JSONText.appendString(value, to: &json)
        }
        add("line", bytes.text)
        add("pri", String(priority))
        add("facility", facility)
        add("severity", severity)
        add("time", time?.text)
        add("host", host)
        add("app", app)
        add("pid", process)
        add("msgid", messageID)
        add("data", dataText.isEmpty ? nil : bytes.slice(dataText).text)
        add("message", message)
        var seen: Set<String> = []
        for (id, parameters) in data {
            // A name may come twice (§6.3.3); the first is the one to search by.
            for (name, value) in parameters where seen.insert("\(id).\(name)").inserted {
                add("\(id).\(name)", value)
            }
        }
        json.append(UInt8(ascii: "}"))
        return json
    }

    private static let facilities = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
        "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]
    private static let severities = [
        "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug",
    ]
}
