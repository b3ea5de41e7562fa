import EventModel

/// The attack inside the day. It goes as those on tj-actions and reviewdog did in March 2025: a stolen token moves the tag of
/// an action, the next build that uses the tag prints a secret into its log, and the secret opens everything after it.
struct DemoAttack {
    /// On holiday this day: whatever happens in this name is the attacker's work.
    static let actor = "jonas-weber"
    /// An address that nobody at Larkspur uses.
    static let address = "203.0.113.66"
    static let bot = "larkspur-release[bot]"
    /// Finds what the attacker did, in the order in which it happened.
    static let query = "actor:=\(actor) OR ip:\(address) | sort time | fields time,source,action,actor,resource,outcome"

    /// The titles of rules that have to raise an alert, in the order of the steps that raise them.
    static let rules = [
        "Existing tag moved to another commit", "Secret found in a repository", "Long-lived GitHub credential granted",
        "Branch protection removed or overridden", "Workflow file pushed to a repository",
        "Package published by a person", "Published package version overwritten",
        "Image pushed by an interactive client", "Workload's image set by a person",
        "Cluster administrator's role bound", "Command run inside a pod", "Cluster secrets read by a person",
    ]

    let events: [DemoEvent]

    init(endingAt end: Timestamp) {
        var random = SplitMix(state: 0x7A67)
        let before = String(QuietDay.digest(&random).prefix(40))
        let orphan = String(QuietDay.digest(&random).prefix(40))
        let evil = QuietDay.digest(&random)
        var events: [DemoEvent] = []

        /// Adds an event that happened so many minutes before the day's end.
        func add(_ minutes: Int64, _ step: String, _ make: (DemoShapes) -> DemoEvent) {
            let time = end.advanced(byNanoseconds: -minutes * 60_000_000_000)
            let shapes = DemoShapes(time: Timestamp(milliseconds: time.milliseconds), number: 50_000 + events.count)
            var event = make(shapes)
            event.step = step
            events.append(event)
        }
        let image = "\(DemoShapes.registry)/larkspur/storefront:4.2.0@sha256:\(evil)"

        add(170, "a bot's stolen token pushes from an address that nobody knows") {
            $0.audit(
                "git.push", actor: Self.bot, address: Self.address, repository: "setup-build",
                more: "\"user_agent\":\"git/2.39\",\"ref\":\"refs/tags/v2\",", isBot: true)
        }
        add(170, "tag v2 of the company's own build action now is another commit") {
            $0.push(
                "refs/tags/v2", repository: "setup-build", sender: Self.bot, before: before, after: orphan,
                forced: true, modified: "dist/index.js", isBot: true)
        }
        add(151, "a build that uses the action at v2 runs the attacker's code") {
            $0.workflowRun(repository: "storefront", sender: "mira-chen", commit: before)
        }
        add(150, "its log shows a personal access token") {
            $0.secretFound("github_personal_access_token", repository: "storefront")
        }
        add(138, "the token's owner is on holiday, yet the token gets access") {
            $0.audit("personal_access_token.access_granted", actor: Self.actor, address: Self.address)
        }
        add(121, "the review that main demands is passed over") {
            $0.audit(
                "protected_branch.policy_override", actor: Self.actor, address: Self.address, repository: "storefront",
                more: "\"branch\":\"refs/heads/main\",")
        }
        add(120, "a workflow of the shop changes without review") {
            $0.push(
                "refs/heads/main", repository: "storefront", sender: Self.actor, before: before, after: orphan,
                modified: ".github/workflows/build.yml")
        }
        add(97, "a package is published, and not by the release workflow") {
            $0.package(
                "published", name: "storefront-client", type: "npm", version: "4.2.1", repository: "storefront",
                sender: Self.actor)
        }
        add(80, "a released version gets other contents") {
            $0.package(
                "updated", name: "storefront", type: "CONTAINER", version: "4.2.0", repository: "storefront",
                sender: Self.actor)
        }
        add(80, "the image behind tag 4.2.0 is replaced with curl") {
            $0.image(
                "push", name: "storefront", tag: "4.2.0", digest: evil, actor: Self.actor, address: Self.address,
                agent: "curl/8.5.0")
        }
        add(52, "the image goes to the cluster by hand") {
            $0.cluster(
                "patch", "deployments", name: "storefront", user: Self.actor, address: Self.address,
                agent: "kubectl/v1.30", request: DemoShapes.podTemplate(image: image))
        }
        add(45, "the attacker becomes the cluster's administrator") {
            $0.cluster(
                "create", "clusterrolebindings", name: "debug", user: Self.actor, address: Self.address,
                agent: "kubectl/v1.30", code: 201,
                request: """
                    {"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},\
                    "subjects":[{"kind":"User","name":"\(Self.actor)"}]}
                    """)
        }
        add(41, "a shell opens inside a pod") {
            $0.cluster(
                "create", "pods", subresource: "exec", name: "storefront-1", user: Self.actor, address: Self.address,
                agent: "kubectl/v1.30", code: 101)
        }
        add(38, "the shop's secrets are read") {
            $0.cluster(
                "list", "secrets", name: "", user: Self.actor, address: Self.address, agent: "kubectl/v1.30")
        }
        self.events = events
    }
}
