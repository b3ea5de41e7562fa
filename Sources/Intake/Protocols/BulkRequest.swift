package import Connectors
import EventModel

/// The body of an Elasticsearch bulk request: lines of actions, each with a document on the next line unless it deletes.
///
/// elastic/elasticsearch, docs/reference/docs/bulk.asciidoc.
package struct BulkRequest: Sendable {
    package enum Action: String, Sendable {
        case index, create, update, delete

        var hasDocument: Bool { self != .delete }
        /// Events are added and never changed.
        var adds: Bool { self == .index || self == .create }
    }

    package struct Item: Sendable {
        package let action: Action
        package let index: String?
        package let identifier: String?
        /// The number of the document's frame; nil for what is refused because of its action.
        package let frame: Int?
    }

    /// An action's line is names and flags.
    static let actionLimits = JSONLimits(bytes: 8 << 10, depth: 4, keys: 64)

    package private(set) var items: [Item] = []
    package private(set) var frames: [DeliveryFrame] = []

    /// - Parameter index: The index that the path names.
    /// - Throws: ``IntakeError`` `malformed` for what is no bulk request, with the line; `tooManyEvents`.
    /// - Complexity: A look at each byte and a parse of each action.
    package init(_ body: UnsafeRawBufferPointer, index: String?, limits: ProtocolLimits) throws {
        let parser = JSONParser(limits: Self.actionLimits)
        var lines = BulkLines(body)
        while let line = lines.next() {
            guard !line.range.isEmpty else { continue }
            try limits.check(events: items.count)
            let (action, named, identifier) = try Self.action(body.slice(line.range), line.number, parser)
            guard action.hasDocument else {
                items.append(Item(action: action, index: named ?? index, identifier: identifier, frame: nil))
                continue
            }
            guard let document = lines.next() else {
                throw IntakeError(.malformed, "line \(line.number): the action \(action.rawValue) has no document")
            }
            items.append(
                Item(
                    action: action, index: named ?? index, identifier: identifier,
                    frame: action.adds ? frames.count : nil))
            guard action.adds else { continue }
            frames.append(
                DeliveryFrame(
                    range: document.range, part: String(document.number), identifier: identifier,
                    refusal: body[document.range].first(where: { $0 > 0x20 }) == UInt8(ascii: "{")
                        ? nil : "a document is a JSON object"))
        }
    }

    private static func action(
        _ line: UnsafeRawBufferPointer, _ number: Int, _ parser: JSONParser
    ) throws -> (Action, index: String?, identifier: String?) {
        func malformed(_ reason: String) -> IntakeError {
            IntakeError(.malformed, "malformed action/metadata line [\(number)]: \(reason)")
        }
        do {
            return try parser.withDocument(line) { value in
                var members = value.members
                guard let member = members.next(), members.next() == nil, member.value.kind == .object else {
                    throw malformed("expected an object with one action")
                }
                guard let action = Action(rawValue: member.key.text) else {
                    throw malformed("the action is index, create, update or delete")
                }
                return (action, member.value["_index"]?.scalarText, member.value["_id"]?.scalarText)
            }
        } catch let error as EventModelError {
            throw malformed(error.reason)
        }
    }
}

/// Lines that end with a line feed, empty ones included, without a carriage return at their end.
private struct BulkLines {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var number = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> (number: Int, range: Range<Int>)? {
        guard position < bytes.count else { return nil }
        let start = position
        let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
        position = end + 1
        number += 1
        return (number, start..<(end > start && bytes[end - 1] == 0x0D ? end - 1 : end))
    }
}
