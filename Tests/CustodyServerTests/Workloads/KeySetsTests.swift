import Connectors
import EventModel
import Foundation
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Key sets of issuers")
struct KeySetsTests {
    private final class Clock: Sendable {
        private let seconds = Mutex<Int64>(1_790_000_000)
        var now: Timestamp { Timestamp(seconds: seconds.withLock { $0 }) }
        func advance(_ by: Int64) { seconds.withLock { $0 += by } }
    }

    private let issuer = TestIssuer()
    private let clock = Clock()
    private let counters = WorkloadCounters()

    private func sets(_ fetch: KeySets.Fetch? = nil) -> KeySets {
        KeySets(counters: counters, now: { [clock] in clock.now }, fetch: fetch ?? issuer.fetch)
    }

    private func failure(_ sets: KeySets, _ place: KeyPlace) async -> String? {
        do {
            _ = try await sets.keys(at: place)
            return nil
        } catch {
            return (error as? KeySetFailure)?.reason
        }
    }

    @Test("An issuer's description leads to its keys, which are then asked for once an hour")
    func discovery() async throws {
        let sets = sets()
        for _ in 0..<3 { #expect(try await sets.keys(at: .issuer(issuer.name)).hasKey("k1")) }
        #expect(
            issuer.asked == ["https://issuer.example/.well-known/openid-configuration", "https://keys.example/jwks"])
        clock.advance(KeySetLimits.freshSeconds)
        _ = try await sets.keys(at: .issuer(issuer.name))
        #expect(issuer.asked.count == 4)
    }

    @Test("A key that nobody knows makes Custody ask once a minute, whatever ids are made up")
    func unknownKeys() async throws {
        let sets = sets()
        let place = KeyPlace.url("https://keys.example/jwks")
        _ = try await sets.keys(at: place)
        for number in 0..<50 { _ = try await sets.keys(at: place, for: "made-up-\(number)") }
        #expect(issuer.asked.count == 1)
        clock.advance(KeySetLimits.retrySeconds)
        issuer.rotate(to: "k2")
        #expect(try await sets.keys(at: place, for: "k2").hasKey("k2"))
        for number in 0..<50 { _ = try await sets.keys(at: place, for: "made-up-\(number)") }
        #expect(issuer.asked.count == 2)
    }

    @Test("Who asks at once shares one question")
    func shared() async throws {
        let sets = sets()
        let place = KeyPlace.url("https://keys.example/jwks")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await sets.keys(at: place, for: "k1") } }
            try await group.waitForAll()
        }
        #expect(issuer.asked.count == 1)
    }

    @Test("While the issuer is down its keys stay good for a day, and the failure is told")
    func stale() async throws {
        let sets = sets()
        let place = KeyPlace.issuer(issuer.name)
        _ = try await sets.keys(at: place)
        issuer.goDown()
        clock.advance(KeySetLimits.staleSeconds - 1)
        #expect(try await sets.keys(at: place).hasKey("k1"))
        let failed = await sets.status(of: place)
        #expect(failed?.failure != nil && failed?.keys == 1)
        #expect(counters.keyFailures.load(ordering: .relaxed) == 1)
        clock.advance(KeySetLimits.retrySeconds)
        #expect(await failure(sets, place) != nil)
        issuer.goDown(false)
        clock.advance(KeySetLimits.retrySeconds)
        #expect(try await sets.keys(at: place).hasKey("k1"))
        #expect(await sets.status(of: place)?.failure == nil)
    }

    @Test("An issuer with a slash at its end is asked at the right address, and has to be named to the letter")
    func trailingSlash() async throws {
        let asked = Mutex<[String]>([])
        let sets = sets { url, _ in
            asked.withLock { $0.append(url.absoluteString) }
            return Array(#"{"issuer":"https://issuer.example","jwks_uri":"https://keys.example/jwks"}"#.utf8)
        }
        #expect(
            await failure(sets, .issuer("https://issuer.example/")) == "the issuer's description is another issuer's")
        #expect(asked.withLock { $0 } == ["https://issuer.example/.well-known/openid-configuration"])
    }

    @Test("What is no key set, holds no key or too many, is refused with its reason")
    func badSets() async {
        let many = (0..<33).map { _ in #"{"kty":"EC"}"# }.joined(separator: ",")
        let cases = [
            ("[]", "what is at the address is no key set"), ("<html>", "what is at the address is no key set"),
            (#"{"keys":[]}"#, "the set holds no key that can be used"),
            (#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, "the set holds no key that can be used"),
            (#"{"keys":[\#(many)]}"#, "the set has 33 keys, more than 32"),
        ]
        for (number, (body, reason)) in cases.enumerated() {
            let sets = sets { _, _ in Array(body.utf8) }
            #expect(await failure(sets, .url("https://keys.example/\(number)")) == reason)
        }
        #expect(await failure(sets(), .pasted("nothing")) == "the pasted text holds no key that can be used")
    }
}
