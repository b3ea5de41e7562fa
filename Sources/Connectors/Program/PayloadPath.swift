/// A path into a payload: keys, array positions and array elements told by a member. An empty path is the value itself.
struct PayloadPath: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case key([UInt8])
        case index(Int)
        /// The first element whose member `key` is this text.
        case element(key: [UInt8], value: [UInt8])
    }

    var steps: [Step] = []

    /// Reads `a.b[0]."key.with.dots"` and `a[name=value].b`; `.` is the empty path. Nil when malformed.
    init?(_ text: String) {
        guard text != "." else { return }
        var rest = Array(text.utf8)[...]
        var needsKey = true
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "["):
                guard let close = rest.firstIndex(of: UInt8(ascii: "]")),
                    let step = Self.elementStep(rest[(rest.startIndex + 1)..<close])
                else { return nil }
                steps.append(step)
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

    /// What stands between brackets: a position, or `key=value`.
    private static func elementStep(_ inside: ArraySlice<UInt8>) -> Step? {
        if let equals = inside.firstIndex(of: UInt8(ascii: "=")) {
            let key = inside[..<equals]
            let value = inside[(equals + 1)...]
            guard !key.isEmpty, !value.isEmpty, key.allSatisfy(isKeyByte) else { return nil }
            return .element(key: Array(key), value: Array(value))
        }
        guard let index = Int(String(decoding: inside, as: UTF8.self)), (0..<64).contains(index) else { return nil }
        return .index(index)
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
