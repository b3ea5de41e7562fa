import Connectors
import EventModel
import Foundation
import Synchronization

/// The bounds of key sets that are fetched.
enum KeySetLimits {
    /// Bytes of a set, and of an issuer's description. The largest that we know has a tenth of it.
    static let bytes = 262_144
    /// How long an answer may take; whoever brings a token waits for it.
    static let timeout = Duration.seconds(10)
    /// How long a set is used before it is asked for again: what an issuer withdraws is good no longer than this.
    static let freshSeconds: Int64 = 3_600
    /// The least time between two questions for one set, whatever tokens are brought: who makes up key ids makes Custody ask once.
    static let retrySeconds: Int64 = 60
    /// How long a set is used while its issuer cannot be reached. Pushes go on over a bad night; an issuer that is gone for a day
    /// is a matter for people.
    static let staleSeconds: Int64 = 86_400
    /// Sets in memory: bindings and sources can name no more in earnest. The one not asked for longest makes room.
    static let places = 1_000
    /// Certificates that are asked for in a minute beside those that are known. A topic has one, which changes once in years; whoever
    /// makes addresses up makes Custody ask no more often than this.
    static let newCertificates = 10
}

/// Where the keys of an issuer are.
enum KeyPlace: Hashable, Sendable {
    /// Where the issuer's description says.
    case issuer(String)
    case url(String)
    case pasted(String)
    /// A certificate, at an address that somebody yet unknown named.
    case certificate(String)
}

/// The key sets with which tokens are verified: fetched when somebody needs them, kept for a while, renewed when they are old or a
/// token names a key that they lack.
actor KeySets {
    /// The body at an address, of so many bytes at most.
    typealias Fetch = @Sendable (_ url: URL, _ limit: Int) async throws -> [UInt8]

    /// What is known of a set, for people.
    struct Status: Sendable {
        var keys: Int
        var fetched: Timestamp?
        /// Why the last attempt failed; nil when it did not.
        var failure: String?
    }

    private struct Entry {
        var keys: VerifyingKeys?
        var fetched: Timestamp?
        var attempted: Timestamp?
        var failure: String?
        var asked: Timestamp
        var attempt: Task<Void, Never>?
    }

    nonisolated let fetch: Fetch
    private let now: @Sendable () -> Timestamp
    private let counters: WorkloadCounters
    private let onFailure: @Sendable (_ reason: String) -> Void
    private var entries: [KeyPlace: Entry] = [:]
    /// New certificates that were asked for since a moment.
    private var newCertificates: (since: Int64, count: Int) = (0, 0)

    /// - Parameter onFailure: Told why a set cannot be read, at most once a set and minute.
    init(
        counters: WorkloadCounters, now: @escaping @Sendable () -> Timestamp, fetch: @escaping Fetch,
        onFailure: @escaping @Sendable (_ reason: String) -> Void = { _ in }
    ) {
        self.onFailure = onFailure
        self.counters = counters
        self.now = now
        self.fetch = fetch
    }

    /// The keys at a place. Waits for an answer only when what is here will not do.
    ///
    /// - Parameter keyID: The key that a token names: a set without it is asked for again.
    /// - Throws: ``KeySetFailure`` when there is no set that may be used.
    func keys(at place: KeyPlace, for keyID: String? = nil) async throws -> VerifyingKeys {
        if case .pasted(let text) = place { return try pasted(text, place) }
        let moment = now()
        entries[place]?.asked = moment
        if let entry = entries[place], let keys = entry.keys, let fetched = entry.fetched,
            Self.isWithin(KeySetLimits.freshSeconds, fetched, moment), keyID.map(keys.hasKey) ?? true
        {
            return keys
        }
        await refresh(place, moment)
        let entry = entries[place]
        // A set that cannot be renewed is better than none, for a while.
        if let keys = entry?.keys, let fetched = entry?.fetched,
            Self.isWithin(KeySetLimits.staleSeconds, fetched, now())
        {
            return keys
        }
        throw KeySetFailure(reason: entry?.failure ?? "there was no answer yet")
    }

    func status(of place: KeyPlace) -> Status? {
        entries[place].map { Status(keys: $0.keys?.count ?? 0, fetched: $0.fetched, failure: $0.failure) }
    }

    private func pasted(_ text: String, _ place: KeyPlace) throws -> VerifyingKeys {
        if let keys = entries[place]?.keys { return keys }
        guard let keys = VerifyingKeys(Array(text.utf8)) else {
            throw KeySetFailure(reason: "the pasted text holds no key that can be used")
        }
        makeRoom()
        entries[place] = Entry(keys: keys, fetched: now(), asked: now())
        return keys
    }

    /// Joins the question that is under way, or asks unless somebody did a moment ago.
    private func refresh(_ place: KeyPlace, _ moment: Timestamp) async {
        if let running = entries[place]?.attempt { return await running.value }
        if let last = entries[place]?.attempted, Self.isWithin(KeySetLimits.retrySeconds, last, moment) { return }
        if entries[place] == nil {
            guard mayAsk(place, moment) else { return }
            makeRoom()
            entries[place] = Entry(asked: moment)
        }
        let attempt = Task { await self.attempt(place) }
        entries[place]?.attempted = moment
        entries[place]?.attempt = attempt
        await attempt.value
    }

    private func attempt(_ place: KeyPlace) async {
        counters.keyFetches.add(1, ordering: .relaxed)
        do {
            let keys = try await read(place)
            entries[place]?.keys = keys
            entries[place]?.fetched = now()
            entries[place]?.failure = nil
        } catch {
            counters.keyFailures.add(1, ordering: .relaxed)
            let reason = (error as? KeySetFailure)?.reason ?? "\(error)"
            entries[place]?.failure = reason
            onFailure(reason)
        }
        entries[place]?.attempt = nil
    }

    private func read(_ place: KeyPlace) async throws -> VerifyingKeys {
        switch place {
        case .pasted(let text): return try pasted(text, place)
        case .certificate(let text): return try VerifyingKeys(certificate: try await body(at: text), now: now())
        case .url(let text): return try await set(at: text)
        case .issuer(let issuer): return try await set(at: try await keysAddress(of: issuer))
        }
    }

    /// What the issuer's description says (OpenID Connect Discovery 1.0 §4): it has to be this issuer's, to the letter.
    private func keysAddress(of issuer: String) async throws -> String {
        var base = issuer
        if base.hasSuffix("/") { base.removeLast() }
        let document = try await body(at: base + "/.well-known/openid-configuration")
        let found = try? document.withUnsafeBytes { bytes in
            try JSONParser().withDocument(bytes) { ($0["issuer"]?.string?.text, $0["jwks_uri"]?.string?.text) }
        }
        guard let (named, address) = found else {
            throw KeySetFailure(reason: "the issuer's description is not JSON")
        }
        guard named == issuer else { throw KeySetFailure(reason: "the issuer's description is another issuer's") }
        guard let address else { throw KeySetFailure(reason: "the issuer's description names no key set") }
        return address
    }

    private func set(at address: String) async throws -> VerifyingKeys {
        let document = try await body(at: address)
        let count = try? document.withUnsafeBytes { bytes in
            try JSONParser().withDocument(bytes) { $0["keys"]?.elements.reduce(0) { count, _ in count + 1 } }
        }
        guard let count = count ?? nil else { throw KeySetFailure(reason: "what is at the address is no key set") }
        guard count <= VerifyingKeys.maximumKeys else {
            throw KeySetFailure(reason: "the set has \(count) keys, more than \(VerifyingKeys.maximumKeys)")
        }
        guard let keys = VerifyingKeys(document) else {
            throw KeySetFailure(reason: "the set holds no key that can be used")
        }
        return keys
    }

    private func body(at address: String) async throws -> [UInt8] {
        guard let url = URL(string: address) else { throw KeySetFailure(reason: "the address is no URL") }
        do {
            return try await fetch(url, KeySetLimits.bytes)
        } catch {
            throw KeySetFailure(reason: "\(url.host() ?? address): \(error)")
        }
    }

    /// Whether a text holds keys that can be used.
    static func isKeySet(_ text: String) -> Bool { VerifyingKeys(Array(text.utf8)) != nil }

    private func mayAsk(_ place: KeyPlace, _ moment: Timestamp) -> Bool {
        guard case .certificate = place else { return true }
        if !(0..<60).contains(moment.seconds - newCertificates.since) { newCertificates = (moment.seconds, 0) }
        newCertificates.count += 1
        return newCertificates.count <= KeySetLimits.newCertificates
    }

    /// What never held keys goes first, then what nobody asked for longest.
    private func makeRoom() {
        guard entries.count >= KeySetLimits.places else { return }
        let idle = entries.filter { $0.value.attempt == nil }.min {
            ($0.value.keys == nil ? 0 : 1, $0.value.asked) < ($1.value.keys == nil ? 0 : 1, $1.value.asked)
        }
        if let idle { entries[idle.key] = nil }
    }

    /// Whether a moment is not longer ago than so many seconds, nor in the future, as after a clock was set back.
    private static func isWithin(_ seconds: Int64, _ moment: Timestamp, _ now: Timestamp) -> Bool {
        (0..<seconds).contains(now.seconds - moment.seconds)
    }
}

/// Why there are no keys, for those who run the server: it names addresses.
struct KeySetFailure: Error, Sendable {
    let reason: String
}
