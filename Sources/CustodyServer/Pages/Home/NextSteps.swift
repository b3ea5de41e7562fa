/// What a person who has just installed Custody does, in order, and what of it is done.
struct NextSteps {
    private struct Step {
        let title: String
        let text: String
        let path: String
        let act: String
        let isDone: Bool
    }

    private let steps: [Step]

    init(
        hasEvents: Bool, hasSeenExposure: Bool, hasAlerts: Bool, hasDestinations: Bool,
        verification: VerificationStatus.Outcome?,
        isVerificationOff: Bool
    ) {
        steps = [
            Step(
                title: "Connect a source",
                text: "Where events come from: a GitHub organisation, a cluster, a registry.",
                path: "/connect", act: "Connect", isDone: hasEvents),
            Step(
                title: "Were you hit?",
                text: "Twelve known supply-chain incidents, looked for in everything that your sources bring.",
                path: "/exposure", act: "Look", isDone: hasSeenExposure && hasEvents),
            Step(
                title: "See a rule fire",
                text:
                    "Rules watch every event from the first on; what they find stands under Alerts. custody demo shows one.",
                path: "/alerts", act: "Look", isDone: hasAlerts),
            Step(
                title: "Say where alerts go",
                text: "Nobody is called yet: name a chat, a mailbox, who is on call, or a program.",
                path: "/destinations", act: "Choose", isDone: hasDestinations),
            Step(
                title: "Have everything verified",
                text: isVerificationOff
                    ? "Verification is switched off in the configuration (verify_interval)."
                    : "The first run begins a minute after the start; then once a day.",
                path: "/integrity", act: "Integrity", isDone: verification != nil),
        ]
    }

    /// How many are to be done still.
    var left: Int { steps.count { !$0.isDone } }

    var data: [PageData] {
        let next = steps.first { !$0.isDone }?.title
        return steps.map { step in
            .of([
                "title": step.title, "text": step.text, "path": step.path, "act": step.act,
                "is_done": step.isDone ? true : nil, "is_next": step.title == next ? true : nil,
            ])
        }
    }
}
