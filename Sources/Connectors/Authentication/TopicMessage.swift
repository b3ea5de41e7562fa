internal import CryptoExtras
package import EventModel
internal import Foundation

/// A message that Amazon SNS sends to an HTTPS endpoint (docs.aws.amazon.com, "Verifying the signatures of Amazon SNS messages").
///
/// Nothing of it is believed before ``verify(with:)``.
package struct TopicMessage: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case notification = "Notification"
        case subscription = "SubscriptionConfirmation"
        case unsubscription = "UnsubscribeConfirmation"
    }

    /// How old a message may be. SNS tries for an hour at most; a day leaves room for clocks and ends before ids are forgotten, so
    /// that nothing old can be sent again as new.
    package static let ageSeconds: Int64 = 86_400
    /// How far ahead its clock may be.
    package static let leewaySeconds: Int64 = 300

    package let kind: Kind
    package let id: String
    package let topic: String
    package let message: [UInt8]
    package let time: Timestamp
    /// Where the certificate lies whose key signed it: an address of SNS in the topic's region.
    package let certificate: String
    /// The address that confirms a subscription, of the same host.
    package let confirmation: String?
    private let signed: [UInt8]
    private let signature: [UInt8]
    private let algorithm: VerifyingKey.Algorithm

    static let header = Array("x-amz-sns-message-type".utf8)

    /// Whether a delivery says that it is one, in its envelope: with raw delivery there is none, and no signature either.
    package static func isOne(_ delivery: Delivery) -> Bool {
        delivery.headers[lowercased: header] != nil && !isRaw(delivery)
    }

    package static func isRaw(_ delivery: Delivery) -> Bool {
        delivery.headers[lowercased: Array("x-amz-sns-rawdelivery".utf8)].map { CaseFolding.isSame($0, "true") }
            ?? false
    }

    /// The topics that a source's credential names, which serves in place of a secret: their ARNs, separated by commas or blanks.
    package static func topics(in credential: [UInt8]) -> Set<String> {
        guard credential.starts(with: Array("arn:".utf8)) else { return [] }
        return Set(
            String(decoding: credential, as: UTF8.self).split { $0 == "," || $0 == " " }.map(String.init))
    }

    /// - Throws: ``ConnectorError`` `badSignature` for what is no such message.
    package init(_ body: [UInt8]) throws {
        let members = try SignedObject.read(body, of: "the message") { value -> [String: String] in
            var members: [String: String] = [:]
            for member in value.members {
                guard let text = member.value.string?.text else { continue }
                members[String(decoding: member.key, as: UTF8.self)] = text
            }
            return members
        }
        func text(_ name: String) throws -> String {
            guard let text = members[name] else {
                throw ConnectorError(.badSignature, "the message has no text \(name)")
            }
            return text
        }
        guard let kind = Kind(rawValue: try text("Type")) else {
            throw ConnectorError(.badSignature, "the message's type is none of SNS'")
        }
        self.kind = kind
        id = try text("MessageId")
        topic = try text("TopicArn")
        message = Array(try text("Message").utf8)
        guard let time = Timestamp(parsing: try text("Timestamp")) else {
            throw ConnectorError(.badSignature, "the message's time cannot be read")
        }
        self.time = time
        switch try text("SignatureVersion") {
        case "1": algorithm = .rsaSHA1
        case "2": algorithm = .rsaSHA256
        default: throw ConnectorError(.badSignature, "the signature's version is neither 1 nor 2")
        }
        guard let signature = BinaryText.base64(Array(try text("Signature").utf8)) else {
            throw ConnectorError(.badSignature, "the message's signature is malformed")
        }
        self.signature = signature
        certificate = try text("SigningCertURL")
        guard Self.isCertificate(certificate, of: topic) else {
            throw ConnectorError(
                .badSignature, "the certificate does not lie at an address of SNS in the topic's region")
        }
        var names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if kind == .notification {
            confirmation = nil
        } else {
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
            let address = try text("SubscribeURL")
            guard Self.isConfirmation(address, of: topic, token: try text("Token")) else {
                throw ConnectorError(.badSignature, "the message's SubscribeURL is not one of SNS for this topic")
            }
            confirmation = address
        }
        var signed = ""
        for name in names {
            guard let value = members[name] else { continue }
            signed += name + "\n" + value + "\n"
        }
        self.signed = Array(signed.utf8)
    }

    /// - Parameter keys: That of the certificate.
    /// - Throws: ``ConnectorError`` `badSignature`.
    package func verify(with keys: VerifyingKeys) throws {
        guard keys.keys.contains(where: { $0.key.isValid(signature, over: signed, algorithm) }) else {
            throw ConnectorError(.badSignature, "the signature is wrong")
        }
    }

    /// - Throws: ``ConnectorError`` `staleSignature`.
    func checkTime(now: Timestamp) throws {
        let age = now.seconds - time.seconds
        guard age <= Self.ageSeconds, age >= -Self.leewaySeconds else {
            throw ConnectorError(
                .staleSignature, "the message was made more than \(Self.ageSeconds / 3_600) hours ago, or lies ahead")
        }
    }

    // MARK: Addresses

    /// `sns.REGION.amazonaws.com` of the region that a topic's ARN names; in China with `.cn`.
    private static func host(of topic: String) -> String? {
        let parts = topic.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[2] == "sns", !parts[3].isEmpty, parts[3].utf8.count <= 32,
            parts[3].utf8.allSatisfy({
                ($0 | 0x20) &- UInt8(ascii: "a") < 26 || $0 &- UInt8(ascii: "0") < 10 || $0 == UInt8(ascii: "-")
            })
        else { return nil }
        return "sns.\(parts[3]).amazonaws.com" + (parts[1] == "aws-cn" ? ".cn" : "")
    }

    private static func components(_ address: String, of topic: String) -> URLComponents? {
        guard let host = host(of: topic), let parts = URLComponents(string: address), parts.scheme == "https",
            parts.host == host, parts.port == nil, parts.user == nil, parts.password == nil, parts.fragment == nil
        else { return nil }
        return parts
    }

    /// `https://sns.REGION.amazonaws.com/SimpleNotificationService-<hex digits>.pem`.
    private static func isCertificate(_ address: String, of topic: String) -> Bool {
        guard let parts = components(address, of: topic), parts.query == nil else { return false }
        let (start, end) = ("/SimpleNotificationService-", ".pem")
        guard parts.percentEncodedPath.hasPrefix(start), parts.percentEncodedPath.hasSuffix(end) else { return false }
        let name = parts.percentEncodedPath.dropFirst(start.count).dropLast(end.count)
        return (1...64).contains(name.utf8.count) && name.allSatisfy { $0.isHexDigit && $0.isASCII }
    }

    private static func isConfirmation(_ address: String, of topic: String, token: String) -> Bool {
        guard let parts = components(address, of: topic), parts.path == "/" || parts.path.isEmpty else { return false }
        let wanted = ["Action": "ConfirmSubscription", "TopicArn": topic, "Token": token]
        let items = parts.queryItems ?? []
        return items.count == wanted.count
            && items.allSatisfy { item in wanted[item.name].map { $0 == item.value } ?? false }
            && Set(items.map(\.name)).count == wanted.count
    }
}

extension CaseFolding {
    fileprivate static func isSame(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes.elementsEqual($0) { fold($0) == fold($1) } }
    }
}
