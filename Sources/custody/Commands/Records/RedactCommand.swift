import ArgumentParser
import CustodyServer
import EventModel

/// `custody redact`.
struct RedactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redact",
        abstract: "Destroy groups of events: personal data, or a secret that was not recognised.",
        discussion: """
            Groups are actor, network, resource, text and raw; the payload (raw) goes with any of them. What remains is \
            still found and still verifies. Without --approval this writes a request for the approvers.

            Examples:
              custody redact 4711 --group actor,network
              custody redact --query 'actor:jane@acme.example' --group actor,network,text
              custody approver sign request.custody --key alice.key
              custody redact --approval request.custody
            """)

    @Argument(help: ArgumentHelp("Indexes of events.", valueName: "index")) var indexes: [UInt64] = []
    @Option(help: ArgumentHelp("Every event that a query finds instead, of all times.", valueName: "query"))
    var query: String?
    @Option(help: ArgumentHelp("The groups to destroy, with commas between.", valueName: "groups"))
    var group: [String] = []
    @OptionGroup var approval: ApprovalOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard approval.approval == nil else { return }
        guard indexes.isEmpty != (query == nil) else { throw ValidationError("give indexes of events, or --query") }
        guard !group.isEmpty else { throw ValidationError("give --group: actor, network, resource, text, raw") }
    }

    func run() async throws {
        let context = CommandContext.current
        let names = group.flatMap { $0.split(separator: ",").map(String.init) }
        try await approval.run("/v1/redactions", .redact, server, "custody redact") { request in
            do { request.groups = try FieldGroup.redactable(names).map(\.name).sorted() } catch let error as RecordError
            {
                throw CommandFailure(.usage, error.reason)
            }
            guard let query else {
                request.leaves = indexes.sorted().map { [$0, $0] }
                return
            }
            var body = JSONObject()
            body.add("q", query)
            let answer = try await server.client(context).call(.post, "/v1/redactions/selection", body: body.text)
            try JSONDocument.read(answer) { json in
                request.leaves = (json["leaves"].map { Array($0.elements) } ?? []).map { pair in
                    pair.elements.compactMap { $0.int64.map { UInt64(clamping: $0) } }
                }
                context.console.note("\(json.text("events")) events")
            }
        }
    }
}
