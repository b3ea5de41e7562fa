import Foundation

/// Made-up audit events of a mixed supply chain, in batches that are ready to send.
///
/// A batch is made once and sent many times; only the ids, which stand at known places, change. So the client costs little
/// of the machine that it shares with the server.
struct BenchEvents {
    /// What people ask, one of each kind that is decided in another way.
    ///
    /// - Parameter digest: one that some events have.
    static func queries(digest: String) -> [String] {
        [
            "actor:=dev-17 | fields time,source,action,resource,outcome",
            digest,
            "ip:198.51.100.0/24 | stats count",
            "action:protected_branch.* | top 10 actor",
            "repo:=service-25 | timechart span=1h count",
            "* | stats dcount(ip) as n by actor | sort -n,actor | limit 20",
            "-outcome:=success | stats count by action",
            "*rigminer*",
            "raw.runner.group:* | stats count",
            "repo:=service-3 outcome:failure -actor:=dev-0 | stats count",
            "artifact:=sha256:\(digest) | sort -time | limit 100 | fields time,source,action,actor,resource,outcome",
            "* | stats count by action",
        ]
    }

    /// Fields whose values are offered while somebody types: few values, many, and one of each event's own.
    static let completions = [
        ("action", "p"), ("resource.name", ""), ("resource.name", "acme-corp/service-1"),
        ("artifact.digest", "sha256:0"),
    ]

    /// The digest of the first event of all.
    static var firstDigest: String { BenchEvents(count: 1, seed: 1, endingAt: Date()).digest }

    private static let actions = [
        "git.push", "git.fetch", "pull_request.merge", "workflows.completed_workflow_run", "artifact.push",
        "artifact.pull", "package.download", "pods.create", "secrets.get", "application.sync",
        "protected_branch.policy_override", "sts.AssumeRoleWithWebIdentity",
    ]
    private static let agents = [
        "git/2.43.0", "containerd/1.7.18", "kubectl/v1.29.4 (darwin/arm64) kubernetes/55019c8",
        "npm/10.8.1 node/v20.15.0 linux x64 workspaces/false ci/github-actions", "argocd-server/v2.11.3",
    ]
    private static let idDigits = 16

    private let bytes: [UInt8]
    private let idOffsets: [Int]
    let count: Int
    /// The digest of the first event.
    private var digest = ""

    /// - Parameter seed: Batches of different seeds hold different events.
    init(count: Int, seed: UInt64, endingAt end: Date, spanningDays days: Double = 30) {
        var random = SplitMix(state: seed)
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        let formatter = ISO8601DateFormatter()
        for _ in 0..<count {
            let actor = Int(pow(random.unit(), 3) * 5_000)
            let repo = Int(pow(random.unit(), 2) * 2_000)
            let time = formatter.string(from: end.addingTimeInterval(-random.unit() * days * 86_400))
            let roll = random.next() % 100
            let outcome = roll < 3 ? "failure" : roll < 5 ? "denied" : "success"
            let address =
                random.next() % 20_000 == 0
                ? "198.51.100.\(random.next() % 250)" : "10.\(actor % 100).\(random.next() % 4).\(actor % 250 + 1)"
            let digest = (0..<4).map { _ in hex(random.next()) }.joined()
            if self.digest.isEmpty { self.digest = digest }
            let note = random.next() % 50_000 == 0 ? "wget xmrigminer2-static" : "bump \(repo % 61) in \(repo % 59)"
            bytes += "{\"id\":\"".utf8
            offsets.append(bytes.count)
            bytes += repeatElement(UInt8(ascii: "0"), count: Self.idDigits)
            bytes +=
                """
                ","time":"\(time)","action":"\(pick(Self.actions, &random))","actor":"dev-\(actor)",\
                "actor_ip":"\(address)","repo":"service-\(repo)","resource":"acme-corp/service-\(repo)",\
                "outcome":"\(outcome)","digest":"sha256:\(digest)","user_agent":"\(pick(Self.agents, &random))",\
                "request":{"id":"\(hex(random.next()))","host":"ci-\(actor % 40).acme.example","attempt":1,\
                "headers":{"accept":"application/json","x-forwarded-for":"\(address)"}},\
                "message":"\(note)","commit":"\(digest.prefix(40))","workflow":".github/workflows/release.yml",\
                "runner":{"name":"runner-\(actor % 400)","labels":["linux","docker","x64"],"group":"default"},\
                "pull_request":{"number":\(repo * 7 % 9_000),"title":"\(note)","head":"\(digest.suffix(40))"}}\n
                """.utf8
        }
        self.bytes = bytes
        idOffsets = offsets
        self.count = count

        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        func pick(_ list: [String], _ random: inout SplitMix) -> String {
            list[Int(random.next() % UInt64(list.count))]
        }
    }

    /// The batch with ids counted from a number.
    func body(firstID: UInt64) -> [UInt8] {
        var body = bytes
        for (position, offset) in idOffsets.enumerated() {
            var value = firstID &+ UInt64(position)
            for digit in (0..<Self.idDigits).reversed() {
                let nibble = UInt8(value & 15)
                body[offset + digit] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                value >>= 4
            }
        }
        return body
    }
}

/// A small deterministic generator (SplitMix64).
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
