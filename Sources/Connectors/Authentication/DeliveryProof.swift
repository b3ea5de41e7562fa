package import EventModel
internal import Foundation

extension Connector {
    /// Gives a delivery of our own making what proves where it comes from, as the provider would: a test of a source then goes
    /// the whole way of a real delivery.
    ///
    /// - Parameter delivery: With what a signature covers beside the body, but for the time.
    /// - Returns: Whether it was done: by the first scheme that needs no private key, which only the provider has.
    package func prove(_ delivery: inout Delivery, secret: [UInt8], now: Timestamp) throws -> Bool {
        for scheme in authentication {
            switch scheme {
            case .hmac(let signature):
                try signature.sign(&delivery, secret: secret, now: now)
                return true
            case .token(let header, let prefix):
                delivery.headers.add(text(header), text(prefix) + text(secret))
                return true
            case .basic:
                let pair = Data("custody:".utf8) + secret
                delivery.headers.add("authorization", "Basic " + pair.base64EncodedString())
                return true
            case .signature, .jwt, .topic, .certificate, .none: continue
            }
        }
        return false
    }
}

extension SignatureScheme {
    /// - Throws: ``ConnectorError`` for a secret that is no key, and for a header that is missing.
    fileprivate func sign(_ delivery: inout Delivery, secret: [UInt8], now: Timestamp) throws {
        let time = String(timeUnit == .milliseconds ? now.milliseconds : now.seconds)
        var value = ""
        switch self.time {
        case .header(let name): delivery.headers.add(text(name), time)
        case .parameter(let name): value = text(name) + "=" + time + text([separator ?? UInt8(ascii: ",")])
        case nil: break
        }
        let code = try code(secret: secret, delivery: delivery, timestamp: Array(time.utf8))
        value += text(prefix) + (encoding == .hex ? text(BinaryText.hexText(code)) : Data(code).base64EncodedString())
        delivery.headers.add(text(header), value)
    }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
