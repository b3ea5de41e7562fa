import Connectors
import Crypto
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Deliveries of Amazon SNS")
struct TopicDeliveryTests {
    private static let topic = "arn:aws:sns:eu-west-1:123456789012:trail"
    private static let certificate =
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"

    /// What answers in place of Amazon, and what it was asked.
    private final class Amazon: Sendable {
        private let state = Mutex((asked: [String](), isDown: false))
        var asked: [String] { state.withLock { $0.asked } }
        func goDown() { state.withLock { $0.isDown = true } }

        var fetch: @Sendable (URL, Int) async throws -> [UInt8] {
            { url, _ in
                let isDown = self.state.withLock { state in
                    state.asked.append(url.absoluteString)
                    return state.isDown
                }
                guard !isDown else { throw TestIssuer.Down() }
                return url.path.hasSuffix(".pem") ? Array(TestCertificates.topic.utf8) : []
            }
        }
    }

    /// A signed message, with members changed before or after it was signed.
    private static func message(
        _ type: String = "Notification", version: String = "2", signed: [String: String] = [:],
        after: [String: String] = [:]
    ) throws -> String {
        var members = [
            "Type": type, "MessageId": "m-1", "TopicArn": topic,
            "Message": #"{"action":"deploy.finish","actor":"ada"}"#,
            "Timestamp": WallClock.now().text, "SignatureVersion": version, "SigningCertURL": certificate,
        ]
        if type != "Notification" {
            members["Token"] = "233abc"
            members["SubscribeURL"] =
                "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=\(topic)&Token=233abc"
        }
        members.merge(signed) { $1 }
        let names =
            type == "Notification"
            ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
            : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        let text = names.compactMap { name in members[name].map { "\(name)\n\($0)\n" } }.joined()
        members["Signature"] = try TopicKey.sign(text, isSHA256: version == "2")
        members.merge(after) { $1 }
        return String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
    }

    private static func headers(_ type: String = "Notification", raw: Bool = false) -> HTTPFields {
        var headers: HTTPFields = [.contentType: "text/plain; charset=UTF-8"]
        headers[HTTPField.Name("x-amz-sns-message-type")!] = type
        if raw { headers[HTTPField.Name("x-amz-sns-rawdelivery")!] = "true" }
        return headers
    }

    private static func run(
        now: @escaping @Sendable () -> Timestamp = WallClock.now,
        _ body: @escaping @Sendable (Amazon, any TestClientProtocol) async throws -> Void
    ) async throws {
        let amazon = Amazon()
        try await TestServer.run(now: now, fetchKeys: amazon.fetch) { _, client in
            for connector in ["generic", "auto"] {
                let made = try await client.send(
                    .post, "/v1/sources",
                    #"{"name":"sns-\#(connector)","connector":"\#(connector)","secret":"\#(topic)"}"#)
                #expect(made.status == 201, "\(made.text)")
            }
            try await body(amazon, client)
        }
    }

    private static func send(
        _ client: any TestClientProtocol, _ body: String, type: String = "Notification", raw: Bool = false,
        source: String = "sns-generic"
    ) async throws -> Answer {
        try await client.send(
            .post, "/v1/hooks/\(source)", body, token: nil, headers: headers(type, raw: raw))
    }

    @Test("Notifications of both signature versions become the event that they hold; the certificate is asked for once")
    func notifications() async throws {
        try await Self.run { amazon, client in
            for (number, version) in ["1", "2"].enumerated() {
                let answer = try await Self.send(
                    client, Self.message(version: version, signed: ["MessageId": "n-\(number)", "Subject": "a\nb"]))
                #expect(answer.status == 200, "\(answer.text)")
            }
            let auto = try await Self.send(client, Self.message(signed: ["MessageId": "n-3"]), source: "sns-auto")
            #expect(auto.status == 200, "\(auto.text)")
            let repeated = try await Self.send(client, Self.message(signed: ["MessageId": "n-1"]))
            #expect(repeated["duplicates"] as? Int == 1, "\(repeated.text)")
            #expect(amazon.asked == [Self.certificate])
            let found = try await client.search("source.name:sns-generic", expecting: 2)
            #expect(found.count == 2)
            let source = found.first?["source"] as? [String: Any]
            #expect(source?["verified"] as? String == "signature" && source?["instance"] as? String == Self.topic)
            #expect(found.first?["action"] as? String == "deploy.finish")
        }
    }

    @Test("A subscription is confirmed at the address that was signed, once its signature is good, and is on record")
    func confirmation() async throws {
        try await Self.run { amazon, client in
            let type = "SubscriptionConfirmation"
            let forged = try await Self.send(client, Self.message(type, after: ["Token": "other"]), type: type)
            #expect(forged.status == 401)
            #expect(amazon.asked.allSatisfy { $0.hasSuffix(".pem") })
            let answer = try await Self.send(client, Self.message(type), type: type)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(amazon.asked.last?.contains("Action=ConfirmSubscription") == true)
            let last = try await Self.send(
                client, Self.message("UnsubscribeConfirmation"), type: "UnsubscribeConfirmation")
            #expect(last.status == 200)
            #expect(amazon.asked.count { $0.contains("ConfirmSubscription") } == 1)
            _ = try await client.search("source:custody action:source.subscribe", expecting: 1)
            _ = try await client.search("source:custody action:source.unsubscribe", expecting: 1)
            #expect(try await client.search("source.name:sns-generic", expecting: 0).isEmpty)
        }
    }

    @Test("A confirmation that Amazon does not take is asked for again")
    func confirmationFails() async throws {
        try await Self.run { amazon, client in
            _ = try await Self.send(client, Self.message())
            amazon.goDown()
            let type = "SubscriptionConfirmation"
            let answer = try await Self.send(client, Self.message(type), type: type)
            #expect(answer.status == 503 && answer.code == "not_confirmed")
        }
    }

    @Test("Without the certificate nothing is taken and nothing refused for good")
    func certificateAway() async throws {
        try await Self.run { amazon, client in
            amazon.goDown()
            let answer = try await Self.send(client, Self.message())
            #expect(answer.status == 503)
        }
    }

    @Test("Addresses that are not Amazon's are asked by nobody")
    func hostileAddresses() async throws {
        try await Self.run { amazon, client in
            let certificates = [
                "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f3.pem",
                "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-f3.pem",
                "https://evil.example/SimpleNotificationService-f3.pem",
                "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3.pem",
                "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-f3.pem",
                "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-f3.pem",
                "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-f3.pem",
                "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-..%2f.pem",
                "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f3.pem?x=1",
            ]
            for address in certificates {
                let answer = try await Self.send(client, Self.message(signed: ["SigningCertURL": address]))
                #expect(answer.status == 401, "\(address)")
            }
            let type = "SubscriptionConfirmation"
            let start = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=\(Self.topic)"
            let confirmations = [
                "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=\(Self.topic)&Token=233abc",
                "https://evil.example/?Action=ConfirmSubscription&TopicArn=\(Self.topic)&Token=233abc",
                start + "&Token=other", start, start + "&Token=233abc&Action=Publish", start + "&foo",
                "https://sns.eu-west-1.amazonaws.com/?Action=Publish&TopicArn=\(Self.topic)&Token=233abc",
            ]
            for address in confirmations {
                let answer = try await Self.send(
                    client, Self.message(type, signed: ["SubscribeURL": address]), type: type)
                #expect(answer.status == 401, "\(address)")
            }
            #expect(amazon.asked.isEmpty)
        }
    }

    @Test("Whoever makes up certificates' names makes Custody ask ten times a minute at most")
    func certificateFlood() async throws {
        // However long the test takes, it is within that minute.
        let moment = WallClock.now()
        try await Self.run(now: { moment }) { amazon, client in
            amazon.goDown()
            for number in 0..<30 {
                let address =
                    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-\(String(number + 16, radix: 16)).pem"
                _ = try await Self.send(client, Self.message(signed: ["SigningCertURL": address]))
            }
            #expect(amazon.asked.count <= KeySetLimits.newCertificates)
        }
    }

    @Test("What was changed, is old, of another topic, raw, or shows the topic's name as a secret, is refused")
    func refusals() async throws {
        try await Self.run { _, client in
            let old = Timestamp(seconds: WallClock.now().seconds - 90_000).text
            let bodies = [
                try Self.message(after: ["Message": "{}"]), try Self.message(after: ["MessageId": "other"]),
                try Self.message(after: ["Subject": "new"]), try Self.message(signed: ["Timestamp": old]),
                try Self.message(signed: ["TopicArn": "arn:aws:sns:eu-west-1:123456789012:other"]),
                try Self.message(version: "1", after: ["SignatureVersion": "2"]),
                try Self.message(after: ["SignatureVersion": "3"]), try Self.message(after: ["Signature": "!"]),
                try Self.message(after: ["Type": "Other"]), "{}", "[]", "not JSON",
                #"{"Type":"Notification","Type":"Notification"}"#,
            ]
            for body in bodies { #expect(try await Self.send(client, body).status == 401, "\(body)") }
            let raw = try await Self.send(client, "{}", raw: true)
            #expect(raw.status == 401 && raw.text.contains("raw delivery"), "\(raw.text)")
            let bearer = try await client.send(.post, "/v1/hooks/sns-generic", "{}", token: Self.topic)
            #expect(bearer.status == 401)
            #expect(
                try await client.send(.post, "/v1/hooks/sns-generic", #"{"id":"r"}"#, headers: Self.headers(raw: true))
                    .status == 200)
        }
    }
}
