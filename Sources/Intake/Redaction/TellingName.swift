import EventModel

/// Judges names of values: JSON keys, parameters, variables, options.
///
/// By substring of the name without case and separators, since exact lists miss `clientSecret`; except for names that tell
/// of something about a secret rather than the secret: `token_id`, `hashed_token`, `secretName`, `password_changed_at`.
enum TellingName {
    enum Verdict { case password, secret, authorization }

    /// Longer names are judged by their end.
    static let maximumLength = 64

    private static let passwordStems: [StaticString] = ["password", "passwd", "passphrase", "passcode", "pwd"]
    private static let secretStems: [StaticString] = [
        "secret", "token", "apikey", "accesskey", "privatekey", "credential", "signingkey", "encryptionkey",
        "masterkey", "accountkey", "sharedkey", "sessionkey", "authkey", "hmackey",
    ]
    private static let authorizationNames: Set<String> = [
        "authorization", "proxyauthorization", "xauthorization", "auth", "basicauth", "xregistryauth", "cookie",
        "setcookie",
    ]

    /// Words after the stem that make the name one of metadata.
    private static let metadata: Set<String> = [
        "accessor", "action", "alert", "alerts", "alg", "algorithm", "arn", "at", "audience", "by", "category",
        "change",
        "changed", "class", "count", "created", "date", "deleted", "description", "digest", "disabled", "display",
        "enabled", "endpoint", "event", "exists", "exp", "expiration", "expire", "expired", "expires", "expiry",
        "field",
        "file", "fingerprint", "format", "group", "hash", "hashed", "hint", "id", "identifier", "ids", "index", "info",
        "issued", "issuer", "issue", "kind", "label", "last", "last4", "length", "level", "lifetime", "location",
        "manager", "md5", "metadata", "method", "methods", "mode", "name", "names", "number", "operation", "owner",
        "path", "permission", "permissions", "policies", "policy", "prefix", "present", "protection", "provider",
        "reason", "ref", "reference", "refs", "renewable", "required", "reset", "resolution", "resource", "resources",
        "review", "role", "roles", "rotated", "rotation", "scanning", "scope", "scopes", "server", "set", "sha1",
        "sha256", "size", "source", "state", "status", "store", "strategy", "subject", "time", "timestamp", "title",
        "ttl", "type", "types", "updated", "uri", "url", "usage", "use", "used", "user", "username", "uses", "uuid",
        "validity", "version", "versions",
    ]
    /// Words before the stem that do the same: digests, flags, places in a listing.
    private static let qualifiers: Set<String> = [
        "allow", "allows", "completion", "continuation", "count", "encrypted", "has", "hashed", "http", "idempotency",
        "input", "is", "masked", "max", "min", "needs", "next", "no", "num", "output", "page", "pagination", "prompt",
        "public", "redacted", "require", "requires", "sync", "total", "uses",
    ]
    /// What may follow a stem without a separator and still mean the value.
    private static let valueEndings: Set<String> = [
        "s", "value", "string", "text", "data", "binary", "raw", "plain", "key",
    ]

    /// nil for a name that does not tell of a secret.
    static func judge(_ name: UnsafeRawBufferPointer) -> Verdict? {
        let name = name.count > maximumLength ? UnsafeRawBufferPointer(rebasing: name.suffix(maximumLength)) : name
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: maximumLength) { joined in
            var length = 0
            var wordStarts: UInt64 = 0
            var startsWord = true
            var previous: UInt8 = 0
            for byte in name {
                guard CharacterClass.isAlphanumeric(byte) else {
                    startsWord = true
                    continue
                }
                let isCapital = byte &- UInt8(ascii: "A") < 26
                if startsWord || isCapital && previous &- UInt8(ascii: "a") < 26 { wordStarts |= 1 << UInt64(length) }
                joined[length] = isCapital ? byte | 0x20 : byte
                length += 1
                startsWord = false
                previous = byte
            }
            let text = UnsafeRawBufferPointer(start: joined.baseAddress, count: length)
            return judge(text, wordStarts: wordStarts)
        }
    }

    private static func judge(_ name: UnsafeRawBufferPointer, wordStarts: UInt64) -> Verdict? {
        guard name.count >= 3 else { return nil }
        var verdict: Verdict?
        // The last stem decides: in `token_secret_name` what follows `secret`.
        var decisive = 0..<0
        func look(for stems: [StaticString], _ meaning: Verdict) {
            for stem in stems {
                guard let found = lastRange(of: stem, in: name), found.upperBound > decisive.upperBound else {
                    continue
                }
                decisive = found
                verdict = meaning
            }
        }
        look(for: passwordStems, .password)
        look(for: secretStems, .secret)
        guard let verdict else { return judgeWhole(name, wordStarts: wordStarts) }
        let before = words(name, 0..<decisive.lowerBound, wordStarts: wordStarts)
        guard !before.contains(where: qualifiers.contains) else { return nil }
        let rest = decisive.upperBound..<name.count
        guard !rest.isEmpty else { return verdict }
        let after = words(name, rest, wordStarts: wordStarts)
        guard !after.contains(where: metadata.contains) else { return nil }
        let isSeparate = wordStarts & (1 << UInt64(rest.lowerBound)) != 0
        // `secrets` alone is a list of names: a plural resource in Kubernetes and in CI systems.
        if name.hasSameBytes(as: "secrets") { return nil }
        return isSeparate || after.first.map(valueEndings.contains) == true ? verdict : nil
    }

    /// Names without a stem: those that count only as a whole, and `DB_PASS`.
    private static func judgeWhole(_ name: UnsafeRawBufferPointer, wordStarts: UInt64) -> Verdict? {
        if authorizationNames.contains(name.text) { return .authorization }
        let start = name.count - 4
        guard start > 0, wordStarts & (1 << UInt64(start)) != 0, name.slice(start..<name.count).hasSameBytes(as: "pass")
        else { return nil }
        return .password
    }

    private static func lastRange(of stem: StaticString, in name: UnsafeRawBufferPointer) -> Range<Int>? {
        let length = stem.utf8CodeUnitCount
        guard length <= name.count else { return nil }
        var start = name.count - length
        let first = stem.utf8Start[0]
        while start >= 0 {
            if name[start] == first, name.slice(start..<start + length).hasSameBytes(as: stem) {
                return start..<start + length
            }
            start -= 1
        }
        return nil
    }

    private static func words(_ name: UnsafeRawBufferPointer, _ range: Range<Int>, wordStarts: UInt64) -> [String] {
        var words: [String] = []
        var start = range.lowerBound
        for position in range where position > start && wordStarts & (1 << UInt64(position)) != 0 {
            words.append(name.slice(start..<position).text)
            start = position
        }
        if start < range.upperBound { words.append(name.slice(start..<range.upperBound).text) }
        return words
    }
}
