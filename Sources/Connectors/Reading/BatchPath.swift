internal import EventModel

/// Where in a document a batch of events lies: a path of keys, such as `Records` or `data.events`.
struct BatchPath: Sendable {
    let path: PayloadPath
    /// The batch's JSON pointer (RFC 6901), as in `/data/events`.
    let pointer: String
    private let keys: [[UInt8]]

    /// Nil when the text is no path of keys.
    init?(_ text: String) {
        guard let path = PayloadPath(text), !path.steps.isEmpty else { return nil }
        var keys: [[UInt8]] = []
        for step in path.steps {
            guard case .key(let key) = step else { return nil }
            keys.append(key)
        }
        self.path = path
        self.keys = keys
        pointer = keys.map { key in
            let text = String(decoding: key, as: UTF8.self)
            return "/" + text.replacing("~", with: "~0").replacing("/", with: "~1")
        }.joined()
    }

    /// The elements' places in the document's text; nil when there is no such array. The text is not parsed.
    func elements(in splitter: JSONSplitter) -> [Range<Int>]? {
        var offset = 0
        for key in keys {
            guard let inner = key.withUnsafeBytes({ splitter.offset(ofMember: $0, inObjectAt: offset) }) else {
                return nil
            }
            offset = inner
        }
        return splitter.elements(ofArrayAt: offset)
    }
}
