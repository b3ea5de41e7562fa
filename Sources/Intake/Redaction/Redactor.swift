import Crypto
import EventModel

/// What redaction made of a payload.
package struct Redaction: Sendable {
    /// The payload with a mark in the place of each secret; all other bytes as they were.
    package let bytes: [UInt8]
    /// How many secrets of each kind there were. Safe to log.
    package let counts: [SecretKind: Int]
}

/// Takes secrets out of payloads before they reach the journal: what is not written need not be guarded.
///
/// Found are tokens that say what they are (provider prefixes, JSON Web Tokens, PEM private keys), passwords in URLs,
/// `Authorization` values, values of Kubernetes Secrets, and strings under names that tell of a secret, in JSON, in JSON
/// inside JSON strings, in query strings, command lines, headers and assignments. Each becomes `[redacted:KIND]`, or
/// `[redacted:KIND:FINGERPRINT]` where the shape promises more randomness than anybody can guess; the fingerprint is the first 16
/// hexadecimal digits of HMAC-SHA256(key of the source, secret), so that equal secrets of one source can be found.
///
/// JSON stays JSON: only contents of strings are replaced, and marks need no escaping. Redacting twice changes nothing.
/// Numbers, booleans and null stay, as do key ids, digests and UUIDs that stand under no telling name. Secrets spelt with
/// escapes (`\u002d`, `\/`) are found; secrets that were compressed, encrypted, or encoded as a whole are not.
///
/// Cost: one pass without allocation when nothing is found.
package struct Redactor: Sendable {
    /// Secrets in one payload. A list of all Secrets of a large cluster stays below; beyond it the payload is a dump that
    /// does not belong into a log.
    package static let maximumReplacements = 10_000

    package enum Outcome: Sendable {
        /// Keep the payload as it is.
        case unchanged
        case redacted(Redaction)
        /// More than ``maximumReplacements``: nothing of it may be kept.
        case tooManySecrets
    }

    package init() {}

    /// Redacts one payload: JSON, or text in any encoding that has ASCII where ASCII is meant.
    ///
    /// - Parameter fingerprintKey: the key of the source.
    package func redact(_ payload: UnsafeRawBufferPointer, fingerprintKey: [UInt8]) -> Outcome {
        var scanner = SecretScanner(payload)
        scanner.scan()
        if scanner.hasEscapes { return redactUnescaped(payload, fingerprintKey: fingerprintKey) }
        let findings = Self.all(scanner)
        guard !findings.isEmpty else { return .unchanged }
        guard findings.count <= Self.maximumReplacements else { return .tooManySecrets }
        return .redacted(Self.replace(findings.map { ($0.range, $0) }, in: payload, read: payload, fingerprintKey))
    }

    package func redact(_ payload: [UInt8], fingerprintKey: [UInt8]) -> Outcome {
        payload.withUnsafeBytes { redact($0, fingerprintKey: fingerprintKey) }
    }

    private func redactUnescaped(_ payload: UnsafeRawBufferPointer, fingerprintKey: [UInt8]) -> Outcome {
        let unescaped = UnescapedText(payload)
        return unescaped.bytes.withUnsafeBytes { text in
            var scanner = SecretScanner(text)
            scanner.scan()
            let findings = Self.all(scanner)
            guard !findings.isEmpty else { return .unchanged }
            guard findings.count <= Self.maximumReplacements else { return .tooManySecrets }
            return .redacted(
                Self.replace(
                    findings.map { (unescaped.original($0.range), $0) }, in: payload, read: text, fingerprintKey))
        }
    }

    /// The findings in order, none inside another. What says itself what it is wins over the name it stands under.
    private static func all(_ scanner: SecretScanner) -> [SecretScanner.Finding] {
        var findings = scanner.findings
        if scanner.namesKubernetesSecret {
            let ranges = KubernetesSecrets(in: scanner.text).ranges
            findings += ranges.lazy.filter { !HarmlessValue.isMark(scanner.text.slice($0)) }
                .map { SecretScanner.Finding(range: $0, kind: .kubernetes) }
        }
        guard findings.count > 1 else { return findings }
        findings.sort {
            if $0.range.lowerBound != $1.range.lowerBound { return $0.range.lowerBound < $1.range.lowerBound }
            if $0.range.upperBound != $1.range.upperBound { return $0.range.upperBound > $1.range.upperBound }
            return $0.kind.hasFingerprint && !$1.kind.hasFingerprint
        }
        var kept: [SecretScanner.Finding] = []
        for finding in findings {
            guard let last = kept.last, finding.range.lowerBound < last.range.upperBound else {
                kept.append(finding)
                continue
            }
            // Overlapping ends: one mark for both.
            guard finding.range.upperBound > last.range.upperBound else { continue }
            kept[kept.count - 1] = .init(range: last.range.lowerBound..<finding.range.upperBound, kind: .named)
        }
        return kept
    }

    private static func replace(
        _ findings: [(range: Range<Int>, finding: SecretScanner.Finding)], in payload: UnsafeRawBufferPointer,
        read text: UnsafeRawBufferPointer, _ fingerprintKey: [UInt8]
    ) -> Redaction {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + findings.count * 48)
        var counts: [SecretKind: Int] = [:]
        var position = 0
        let key = SymmetricKey(data: fingerprintKey)
        for (range, finding) in findings {
            bytes.append(contentsOf: payload[position..<range.lowerBound])
            bytes.append(contentsOf: "[redacted:".utf8)
            bytes.append(contentsOf: finding.kind.rawValue.utf8)
            if finding.kind.hasFingerprint {
                bytes.append(UInt8(ascii: ":"))
                let code = HMAC<SHA256>.authenticationCode(for: text.slice(finding.range), using: key)
                code.withUnsafeBytes { Hex.append($0.slice(0..<8), to: &bytes) }
            }
            bytes.append(UInt8(ascii: "]"))
            counts[finding.kind, default: 0] += 1
            position = range.upperBound
        }
        bytes.append(contentsOf: payload[position...])
        return Redaction(bytes: bytes, counts: counts)
    }
}
