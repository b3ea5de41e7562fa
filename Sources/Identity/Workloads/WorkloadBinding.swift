package import EventModel
import Foundation

/// What somebody bound to the tokens of an issuer: which of them are good here, and as which source their holders send.
package struct WorkloadBinding: Codable, Hashable, Sendable {
    /// How often a token may be shown.
    package enum Use: String, Codable, CaseIterable, Sendable {
        /// For one delivery, or for one exchange against a session: who copies it from a log has nothing.
        case once
        /// Until it expires: for tokens that lie in a file and are the only ones for an hour, as those of Kubernetes.
        case lifetime
    }

    /// What a claim has to say: one of the patterns. `*` stands for any characters.
    package struct Condition: Codable, Hashable, Sendable {
        package var claim: String
        package var patterns: [String]

        package init(claim: String, patterns: [String]) {
            self.claim = claim
            self.patterns = patterns
        }
    }

    /// Where the issuer's keys are.
    package enum Keys: Codable, Hashable, Sendable {
        /// Where the issuer's own description says (OpenID Connect Discovery 1.0 §4).
        case discovery
        /// A key set at an address.
        case url(String)
        /// A key set that was pasted, for issuers that this server cannot reach.
        case pasted(String)
    }

    package let name: String
    /// `iss`, to the letter: a slash at the end makes another issuer.
    package let issuer: String
    /// Of which the token has to name one.
    package let audiences: [String]
    /// Which all have to hold.
    package let conditions: [Condition]
    /// The source that its holders send as.
    package let source: String
    /// The connectors whose events may be sent; empty for any.
    package let kinds: [String]
    package let use: Use
    package let keys: Keys
    package internal(set) var created = Timestamp(seconds: 0)

    /// When it was made has a column of its own.
    private enum CodingKeys: String, CodingKey {
        case name, issuer, audiences, conditions, source, kinds, use, keys
    }

    package init(
        name: String, issuer: String, audiences: [String], conditions: [Condition], source: String,
        kinds: [String] = [], use: Use = .once, keys: Keys = .discovery, created: Timestamp
    ) {
        self.name = name
        self.issuer = issuer
        self.audiences = audiences
        self.conditions = conditions
        self.source = source
        self.kinds = kinds
        self.use = use
        self.keys = keys
        self.created = created
    }

    /// The claim that keeps a token from being good here, `aud` or one of the conditions'; nil when nothing does.
    ///
    /// - Parameter claims: The texts of each, by name.
    package func mismatch(audiences: [String], claims: [String: [String]]) -> String? {
        guard isOfCertificates || audiences.contains(where: self.audiences.contains) else { return "aud" }
        return conditions.first { condition in
            let texts = claims[condition.claim] ?? []
            return !texts.contains { text in
                condition.patterns.contains { Self.matches(Array(text.utf8), Array($0.utf8)) }
            }
        }?.claim
    }

    /// The issuer of bindings to client certificates, whose claims are `subject` and `san`.
    package static let certificates = "mtls"

    package var isOfCertificates: Bool { issuer == Self.certificates }

    /// Whether a text is what a pattern asks for, to the letter but for `*`. Cost: linear in the product of both lengths.
    static func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (place, at) = (0, 0)
        /// Where to go on when what follows the last star does not fit.
        var star: (pattern: Int, text: Int)?
        while place < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == text[place] {
                place += 1
                at += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (at, place) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// The bounds of workload identities.
package enum WorkloadLimits {
    /// Bindings: all are held in memory, and each may cost a key set.
    package static let bindings = 500
    /// Bytes of an issuer, an audience, a claim's name or a pattern.
    package static let textLength = 1...1_024
    /// Audiences, conditions, patterns and kinds of one binding, each.
    package static let listLength = 32
    /// Bytes of a pasted key set: a dozen RSA keys.
    package static let pastedKeys = 16_384
    /// Tokens that were used and have not expired. Only holders of good tokens fill it; beyond, tokens that are good once are refused
    /// until some have expired, since forgetting one would let it be used again.
    package static let usedTokens = 100_000
}

extension WorkloadBinding {
    /// Issuers that give tokens to everybody: a binding to them has to say whose.
    private static let sharedIssuers: [String: Set<String>] = [
        "https://token.actions.githubusercontent.com": [
            "sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise",
            "enterprise_id",
        ],
        "https://gitlab.com": ["sub", "project_path", "project_id", "namespace_path", "namespace_id"],
    ]

    /// - Throws: ``IdentityError`` `invalidName`, `invalidBinding`.
    func check() throws {
        try SourceName.check(name)
        // The route that exchanges tokens has its place.
        guard name != "session" else { throw IdentityError(.reservedName, "the name session is reserved") }
        try SourceName.check(source)
        func refuse(_ reason: String) -> IdentityError { IdentityError(.invalidBinding, reason) }
        let texts =
            [issuer] + audiences + kinds + conditions.flatMap { [$0.claim] + $0.patterns }
        let areFine = texts.allSatisfy { text in
            WorkloadLimits.textLength.contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
        guard areFine else {
            throw refuse(
                "issuer, audiences, claims and kinds have 1 to \(WorkloadLimits.textLength.upperBound) bytes without control characters"
            )
        }
        let lengths = [audiences.count, kinds.count, conditions.count] + conditions.map(\.patterns.count)
        guard lengths.allSatisfy({ $0 <= WorkloadLimits.listLength }) else {
            throw refuse("at most \(WorkloadLimits.listLength) audiences, claims, values of a claim and kinds")
        }
        if isOfCertificates {
            guard audiences.isEmpty, conditions.allSatisfy({ ["subject", "san"].contains($0.claim) }) else {
                throw refuse("of certificates the claims are subject and san, and they have no audience")
            }
        }
        guard isOfCertificates || !audiences.isEmpty else {
            throw refuse("a binding names the audience of its tokens: who takes tokens for others lets others in")
        }
        guard conditions.allSatisfy({ !$0.patterns.isEmpty }),
            conditions.contains(where: { $0.patterns.allSatisfy(Self.isTelling) })
        else { throw refuse("a binding names at least one claim and what it has to say, which is not only *") }
        if let telling = Self.sharedIssuers[issuer],
            !conditions.contains(where: { telling.contains($0.claim) && $0.patterns.allSatisfy(Self.isTelling) })
        {
            throw refuse(
                "this issuer gives tokens to everybody: say whose with one of \(telling.sorted().joined(separator: ", ")), without * at its beginning"
            )
        }
        if !isOfCertificates { try checkKeys(refuse) }
    }

    /// Whether a pattern tells one from another: it begins with something, and for GitHub's subjects goes beyond what all have.
    private static func isTelling(_ pattern: String) -> Bool {
        let start = pattern.prefix { $0 != "*" }
        return !["", "repo:", "project_path:", "system:serviceaccount:", "dns:", "uri:", "email:", "uri:spiffe://"]
            .contains(String(start))
    }

    private func checkKeys(_ refuse: (String) -> IdentityError) throws {
        func isAddress(_ text: String) -> Bool {
            guard let url = URL(string: text), let host = url.host(), !host.isEmpty else { return false }
            return ["https", "http"].contains(url.scheme?.lowercased() ?? "") && url.user() == nil
                && url.fragment() == nil
        }
        switch keys {
        case .discovery:
            guard isAddress(issuer) else {
                throw refuse("an issuer that is no URL needs its keys: the address of a key set, or the set itself")
            }
        case .url(let url):
            guard isAddress(url) else { throw refuse("the address of the key set is no http or https URL") }
        case .pasted(let set):
            guard set.utf8.count <= WorkloadLimits.pastedKeys else {
                throw refuse("a pasted key set has at most \(WorkloadLimits.pastedKeys) bytes")
            }
        }
    }
}
