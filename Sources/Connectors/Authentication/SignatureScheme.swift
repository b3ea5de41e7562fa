internal import Crypto
internal import EventModel

/// An HMAC over a string made of the body and, for schemes that guard against replay, an id and a time.
struct SignatureScheme: Sendable {
    enum Algorithm: String, CaseIterable, Sendable { case sha1, sha256, sha384, sha512 }
    enum Encoding: String, CaseIterable, Sendable { case hex, base64 }
    enum Part: Sendable {
        case literal([UInt8])
        case body
        case timestamp
        case header([UInt8])
        /// The secret itself, for schemes that sign no body.
        case secret
    }
    enum TimeUnit: String, CaseIterable, Sendable { case seconds, milliseconds }
    enum TimeSource: Sendable {
        case header([UInt8])
        /// A parameter of the signature header itself, as in `timestamp=…,signature=…`.
        case parameter([UInt8])
    }

    var header: [UInt8]
    var algorithm = Algorithm.sha256
    var encoding = Encoding.hex
    /// What stands before a signature, such as `sha256=`.
    var prefix: [UInt8] = []
    /// Between several signatures of one header, of which one has to be right; nil when there is only one.
    var separator: UInt8?
    var signed: [Part] = [.body]
    var time: TimeSource?
    var timeUnit = TimeUnit.seconds
    /// How far the signed time may be from now.
    var toleranceSeconds: Int64 = 300
    /// A prefix of the secret (`whsec_`) behind which it is base64; secrets without it are used as they stand.
    var encodedSecretPrefix: [UInt8] = []

    var coversBody: Bool { signed.contains { if case .body = $0 { true } else { false } } }

    /// A header with more signatures than this is refused: each costs an HMAC over the body.
    static let maximumSignatures = 16

    /// - Throws: ``ConnectorError`` when no signature is right or the signed time is missing or too far away.
    func verify(_ value: [UInt8], delivery: Delivery, secrets: [[UInt8]], now: Timestamp) throws {
        let pieces = separator.map { value.split(separator: $0).map(Self.trimmed) } ?? [value]
        guard pieces.count <= Self.maximumSignatures else {
            throw ConnectorError(.badSignature, "more than \(Self.maximumSignatures) signatures")
        }
        var timestamp: [UInt8] = []
        if let time {
            timestamp = try self.timestamp(time, pieces: pieces, headers: delivery.headers)
            guard let number = Int64(String(decoding: timestamp, as: UTF8.self)) else {
                throw ConnectorError(.badSignature, "the signed time is not a number")
            }
            let seconds = timeUnit == .milliseconds ? number / 1_000 : number
            let distance = now.seconds.subtractingReportingOverflow(seconds)
            guard !distance.overflow, distance.partialValue.magnitude <= UInt64(toleranceSeconds) else {
                throw ConnectorError(
                    .staleSignature, "the signed time is more than \(toleranceSeconds) seconds from now")
            }
        }
        var isValid = false
        var isReadable = false
        for piece in pieces where Secrets.hasPrefix(piece, prefix) {
            let text = piece[prefix.count...]
            guard let signature = encoding == .hex ? BinaryText.hex(text) : BinaryText.base64(text) else { continue }
            isReadable = true
            for secret in secrets {
                let computed = try code(secret: secret, delivery: delivery, timestamp: timestamp)
                if Secrets.areEqual(computed, signature) { isValid = true }
            }
        }
        guard isValid else {
            throw ConnectorError(
                .badSignature, isReadable ? "the signature is wrong" : "the signature header is malformed")
        }
    }

    private func timestamp(_ source: TimeSource, pieces: [[UInt8]], headers: DeliveryHeaders) throws -> [UInt8] {
        switch source {
        case .header(let name):
            guard let value = headers[lowercased: name] else {
                throw ConnectorError(.unsigned, "no header \(String(decoding: name, as: UTF8.self))")
            }
            return value
        case .parameter(let name):
            let start = name + [UInt8(ascii: "=")]
            guard let piece = pieces.first(where: { Secrets.hasPrefix($0, start) }) else {
                throw ConnectorError(.unsigned, "the signature header holds no time")
            }
            return Array(piece[start.count...])
        }
    }

    private func key(_ secret: [UInt8]) throws -> [UInt8] {
        guard !encodedSecretPrefix.isEmpty, secret.starts(with: encodedSecretPrefix) else { return secret }
        guard let key = BinaryText.base64(secret[encodedSecretPrefix.count...]) else {
            throw ConnectorError(.missingCredential, "the source's secret is not base64 behind its prefix")
        }
        return key
    }

    func code(secret: [UInt8], delivery: Delivery, timestamp: [UInt8]) throws -> [UInt8] {
        let key = SymmetricKey(data: try key(secret))
        return switch algorithm {
        case .sha1: try Array(code(HMAC<Insecure.SHA1>(key: key), secret, delivery, timestamp).finalize())
        case .sha256: try Array(code(HMAC<SHA256>(key: key), secret, delivery, timestamp).finalize())
        case .sha384: try Array(code(HMAC<SHA384>(key: key), secret, delivery, timestamp).finalize())
        case .sha512: try Array(code(HMAC<SHA512>(key: key), secret, delivery, timestamp).finalize())
        }
    }

    private func code<Hash>(
        _ code: HMAC<Hash>, _ secret: [UInt8], _ delivery: Delivery, _ timestamp: [UInt8]
    ) throws -> HMAC<Hash> {
        var code = code
        for part in signed {
            switch part {
            case .literal(let bytes): code.update(data: bytes)
            case .body: code.update(data: delivery.body)
            case .timestamp: code.update(data: timestamp)
            case .secret: code.update(data: secret)
            case .header(let name):
                guard let value = delivery.headers[lowercased: name] else {
                    throw ConnectorError(.unsigned, "no header \(String(decoding: name, as: UTF8.self))")
                }
                code.update(data: value)
            }
        }
        return code
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = bytes
        while bytes.first == 0x20 { bytes.removeFirst() }
        while bytes.last == 0x20 { bytes.removeLast() }
        return Array(bytes)
    }
}
