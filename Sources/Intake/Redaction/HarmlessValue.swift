import EventModel

/// Values that are no secrets whatever they are called.
enum HarmlessValue {
    private static let masks: Set<String> = [
        "", "[filtered]", "<redacted>", "redacted", "[redacted]", "<masked>", "masked", "[masked]", "hidden",
        "<hidden>",
        "true", "false", "null", "none", "nil", "undefined", "yes", "no", "enabled", "disabled", "password", "secret",
        "token", "basic", "bearer", "read", "write", "admin", "required", "optional",
    ]

    /// A mark that redaction left, alone or at the beginning: redacting twice must change nothing.
    static func isMark(_ value: UnsafeRawBufferPointer) -> Bool {
        let mark: StaticString = "[redacted:"
        return value.count > mark.utf8CodeUnitCount && value.slice(0..<mark.utf8CodeUnitCount).hasSameBytes(as: mark)
    }

    static func isOne(_ value: UnsafeRawBufferPointer, isQuoted: Bool, verdict: TellingName.Verdict) -> Bool {
        guard let first = value.first else { return true }
        if value.count <= 12, masks.contains(value.text.lowercased()) { return true }
        // Masked already.
        if value.allSatisfy({ $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "X") }) {
            return true
        }
        if value.starts(with: "***".utf8) { return true }
        // References: `$NAME`, `${{ secrets.NAME }}`, `$(NAME)`, `{{ .Values.name }}`, `%NAME%`.
        if first == UInt8(ascii: "$") || value.starts(with: "{{".utf8) { return true }
        // Digests that say so: Vault's audit log keeps HMACs of its tokens.
        for prefix: StaticString in ["hmac-sha256:", "sha256:", "sha512:", "sha1:", "SHA256:"]
        where value.count >= prefix.utf8CodeUnitCount
            && value.slice(0..<prefix.utf8CodeUnitCount).hasSameBytes(as: prefix)
        {
            return true
        }
        if isKeyID(value) || isTime(value) { return true }
        // The variable PWD is a working directory.
        if verdict == .password, !isQuoted, first == UInt8(ascii: "/") { return true }
        return false
    }

    /// `AKIA…` and its like: the public half of an AWS key; in a signed URL with date, region and service behind it.
    private static func isKeyID(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.count >= 20, value.count == 20 || value[20] == UInt8(ascii: "/") || value[20] == UInt8(ascii: "%"),
            value.slice(0..<20).allSatisfy({ CharacterClass.isAlphanumeric($0) })
        else { return false }
        let prefix = value.slice(0..<4)
        return prefix.hasSameBytes(as: "AKIA") || prefix.hasSameBytes(as: "ASIA")
    }

    /// `2026-11-23T…`: when something was done with a secret.
    private static func isTime(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.count >= 19, value[4] == UInt8(ascii: "-"), value[7] == UInt8(ascii: "-"),
            value[13] == UInt8(ascii: ":")
        else { return false }
        return value.slice(0..<4).allSatisfy { CharacterClass.isDigit($0) }
    }
}

extension CaseFolding {
    /// Whether text is a lower-case ASCII literal, ignoring case.
    static func matches(_ text: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        text.count == literal.utf8CodeUnitCount
            && text.indices.allSatisfy { fold(text[$0]) == literal.utf8Start[$0] }
    }
}
