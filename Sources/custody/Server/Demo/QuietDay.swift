import EventModel

/// The ordinary work of a day: nothing in it should wake anybody.
struct QuietDay {
    static let eventCount = 4_200
    /// Shorter than the window that a search has by itself, so that the whole day is found.
    static let seconds: Int64 = 23 * 3_600 + 1_800

    static let people = ["mira-chen", "tomas-novak", "aisha-diallo", "lena-fischer", "samir-patel", "kofi-mensah"]
    static let repositories = ["storefront", "checkout", "warehouse", "pricing", "mail-sender", "docs"]
    private static let packages = ["left-pad@1.3.0", "express@4.21.1", "zod@3.23.8", "vite@5.4.11", "undici@6.21.0"]

    let events: [DemoEvent]

    init(seed: UInt64, endingAt end: Timestamp) {
        var random = SplitMix(state: seed)
        let step = Self.seconds * 1_000_000_000 / Int64(Self.eventCount)
        let start = end.advanced(byNanoseconds: -Self.seconds * 1_000_000_000)
        events = (0..<Self.eventCount).map { number in
            // Whole milliseconds: that is all that the systems tell.
            let jitter = Int64(random.unit() * Double(step))
            let time = start.advanced(byNanoseconds: Int64(number) * step + jitter)
            let shapes = DemoShapes(time: Timestamp(milliseconds: time.milliseconds), number: number)
            return Self.event(shapes, &random)
        }
    }

    private static func event(_ shapes: DemoShapes, _ random: inout SplitMix) -> DemoEvent {
        let person = pick(people, &random)
        let repository = pick(repositories, &random)
        let address = "10.20.\(random.next() % 4).\(random.next() % 200 + 10)"
        let commit = String(digest(&random).prefix(40))
        switch random.next() % 100 {
        case 0..<6:
            return shapes.push(
                "refs/heads/topic-\(shapes.number)", repository: repository, sender: person,
                before: String(digest(&random).prefix(40)), after: commit)
        case 6..<12:
            let actions = ["opened", "synchronize", "closed"]
            return shapes.pullRequest(
                pick(actions, &random), repository: repository, sender: person, change: shapes.number, commit: commit)
        case 12..<20:
            let conclusion = random.next() % 12 == 0 ? "failure" : "success"
            return shapes.workflowRun(repository: repository, sender: person, commit: commit, conclusion: conclusion)
        case 20:
            return shapes.package(
                "published", name: "\(repository)-client", type: "npm", version: "2.\(shapes.number).0",
                repository: repository, sender: "larkspur-release[bot]", isBot: true)
        case 21..<34:
            let action = pick(["git.fetch", "git.clone", "git.push", "pull_request.merge"], &random)
            return shapes.audit(action, actor: person, address: address, repository: repository)
        case 34..<40:
            let status = random.next() % 15 == 0 ? "failed" : "success"
            return shapes.job(project: "firmware", user: person, commit: commit, status: status)
        case 40..<66:
            let name = pick(packages, &random)
            // A version has one content, whoever fetches it.
            var content = SplitMix(state: name.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) })
            return shapes.download(
                "pkg:npm/\(name)", digest: digest(&content), user: "ci-runner-\(random.next() % 6)", address: address)
        case 66..<78:
            return image(shapes, repository, &random)
        default:
            return cluster(shapes, repository, person, address, &random)
        }
    }

    private static func image(
        _ shapes: DemoShapes, _ repository: String, _ random: inout SplitMix
    ) -> DemoEvent {
        let isPush = random.next() % 6 == 0
        return shapes.image(
            isPush ? "push" : "pull", name: repository, tag: isPush ? "build-\(shapes.number)" : "4.2.0",
            digest: digest(&random), actor: isPush ? "ci-release" : "node-puller", address: "10.20.9.7",
            agent: isPush ? "buildkit/v0.14" : "containerd/1.7.18")
    }

    private static func cluster(
        _ shapes: DemoShapes, _ repository: String, _ person: String, _ address: String, _ random: inout SplitMix
    ) -> DemoEvent {
        switch random.next() % 10 {
        case 0:
            return shapes.cluster(
                "patch", "deployments", name: repository, user: "system:serviceaccount:argocd:argocd-controller",
                address: "10.20.8.2", agent: "argocd/2.11",
                request: DemoShapes.podTemplate(
                    image: "\(DemoShapes.registry)/larkspur/\(repository)@sha256:\(digest(&random))"))
        case 1..<4:
            return shapes.cluster(
                "get", "secrets", name: "\(repository)-db", user: "system:serviceaccount:shop:\(repository)",
                address: "10.20.8.40", agent: "\(repository)/1.0")
        case 4..<6:
            return shapes.cluster(
                "get", "pods", subresource: "log", name: "\(repository)-1", user: person, address: address,
                agent: "kubectl/v1.31")
        default:
            return shapes.cluster(
                "list", "pods", name: "", user: "system:kube-scheduler", address: "10.20.8.1",
                agent: "kube-scheduler/v1.31")
        }
    }

    private static func pick(_ list: [String], _ random: inout SplitMix) -> String {
        list[Int(random.next() % UInt64(list.count))]
    }

    /// 64 hexadecimal digits.
    static func digest(_ random: inout SplitMix) -> String {
        (0..<4).map { _ in
            let word = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - word.utf8.count) + word
        }.joined()
    }
}
