/// A path into a payload: keys and array positions. An empty path is the value itself.
struct PayloadPath: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case key([UInt8])
        case index(Int)
    }

    var steps: [Step] = []

    /// Reads `a.b[0]."key.with.dots"`; `.` is the empty path. Nil when malformed.
    init?(_ text: String) {
        guard text != "." else { return }
        var rest = Array(text.utf8)[...]
        var needsKey = true
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "["):
                guard let close = rest.firstIndex(of: UInt8(ascii: "]")),
                    let index = Int(String(decoding: rest[(rest.startIndex + 1)..<close], as: UTF8.self)),
                    (0..<64).contains(index)
                else { return nil }
                steps.append(.index(index))
                rest = rest[(close + 1)...]
                needsKey = false
            case UInt8(ascii: "."):
                guard !needsKey else { return nil }
                rest = rest.dropFirst()
                needsKey = true
            case UInt8(ascii: "\""):
                guard needsKey, let close = rest.dropFirst().firstIndex(of: UInt8(ascii: "\"")) else { return nil }
                steps.append(.key(Array(rest[(rest.startIndex + 1)..<close])))
                rest = rest[(close + 1)...]
                needsKey = false
            default:
                guard needsKey else { return nil }
                let end = rest.firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") } ?? rest.endIndex
                let key = rest[rest.startIndex..<end]
                guard key.allSatisfy(Self.isKeyByte) else { return nil }
                steps.append(.key(Array(key)))
                rest = rest[end...]
                needsKey = false
            }
        }
        guard !needsKey else { return nil }
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "@"),
            UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "$"), 0x80...0xFF:
            true
        default: false
        }
    }
}
