import ArgumentParser
import DurableFiles
import Foundation
import SystemPackage

/// `custody push kubernetes`.
struct PushKubernetesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push-kubernetes",
        abstract: "Watch a cluster: which image each container runs, from when to when, and who changed workloads.",
        discussion: """
            Connects outbound to the cluster's API and to the Custody server; neither has to be reachable from the other, and no \
            flag of the API server is needed. Records each container's start and end with the digest of its image, and each \
            change of the specification of deployments, stateful sets, daemon sets, jobs and cron jobs.

            Inside a cluster the pod's service account is used; packaging/kubernetes/custody-watch.yaml sets it up with the \
            right to list and watch these kinds and no other. Outside, a kubeconfig. What has been told is remembered in \
            --state, so that what ended meanwhile is told at the next start. While the Custody server is away, events wait in \
            the spool of custody push.

            Examples:
              custody push kubernetes --source prod-cluster
              custody push kubernetes --source prod-cluster --context prod --once

            Exit status: 0 stopped by SIGTERM or SIGINT, or --once is done; 65 entries were refused; 69 the cluster or the \
            server cannot be reached and nothing can be kept; 77 cluster or server deny it.
            """)

    @Option(help: ArgumentHelp("The source that the events come from.", valueName: "name"))
    var source: String?
    @Option(help: ArgumentHelp("The cluster's name in events. [default: that of the kubeconfig]", valueName: "name"))
    var cluster: String?
    @Option(
        help: ArgumentHelp(
            "A kubeconfig. [default: the pod's account, else KUBECONFIG, else ~/.kube/config]", valueName: "file"))
    var kubeconfig: String?
    @Option(help: ArgumentHelp("A context of the kubeconfig. [default: the current one]", valueName: "name"))
    var context: String?
    @Option(
        name: .customLong("api-server"),
        help: ArgumentHelp("The cluster's API, without a kubeconfig.", valueName: "url"))
    var apiServer: String?
    @Option(name: .customLong("token-file"), help: ArgumentHelp("The token for --api-server.", valueName: "file"))
    var tokenFile: String?
    @Option(name: .customLong("ca-file"), help: ArgumentHelp("The authority of --api-server, PEM.", valueName: "file"))
    var authorityFile: String?
    @Option(
        help: ArgumentHelp("What has been told. [default: in $XDG_STATE_HOME/custody/kubernetes]", valueName: "file"))
    var state: String?
    @Flag(help: "Tell what runs now and what ended since the last run, and end.")
    var once = false
    @Flag(help: "Print the totals as JSON.")
    var json = false
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context, sends: true)
        let api = try KubernetesAPI(try access(context), context)
        let result: Result<Void, any Error>
        do { result = .success(try await watch(api, client, context)) } catch { result = .failure(error) }
        await api.shutdown()
        do { try result.get() } catch let failure as KubernetesFailure { throw Self.told(failure) }
    }

    private static func told(_ failure: KubernetesFailure) -> CommandFailure {
        if case .denied(let reason) = failure {
            return CommandFailure(.denied, "the cluster denies it: \(reason)")
        }
        return CommandFailure(.unreachable, "\(failure)")
    }

    private func access(_ context: CommandContext) throws -> KubernetesAccess {
        var access: KubernetesAccess
        if let apiServer {
            access = KubernetesAccess(
                server: apiServer.hasSuffix("/") ? String(apiServer.dropLast()) : apiServer,
                authorities: try authorityFile.map { try context.fileSystem.contents(of: FilePath($0)) },
                credential: tokenFile.map { .tokenFile($0) } ?? .none, name: "kubernetes")
        } else if kubeconfig == nil, let pod = try KubernetesAccess.inCluster(context) {
            access = pod
        } else {
            let file =
                kubeconfig ?? context.variable("KUBECONFIG")?.split(separator: ":").first.map(String.init)
                ?? (context.variable("HOME") ?? ".") + "/.kube/config"
            guard try context.fileSystem.exists(FilePath(file)) else {
                throw CommandFailure(
                    .usage, "this is no pod and there is no \(file); name a cluster with --kubeconfig or --api-server")
            }
            access = try KubernetesAccess.kubeconfig(file, context: self.context, context)
        }
        if let cluster { access.name = cluster }
        return access
    }

    private func watch(_ api: KubernetesAPI, _ client: ServerClient, _ context: CommandContext) async throws {
        let uid = try await Self.uid(of: api, context)
        let path = state.map { FilePath($0) } ?? Self.memoryPath(api.access.name, context)
        let pipe = try ObservationPipe()
        let kept = KeptLines()
        let journal = ClusterJournal(
            observer: ClusterObserver(
                cluster: .init(name: api.access.name, uid: uid), memory: try ClusterJournal.memory(at: path, context)),
            memoryPath: path, kept: kept, context: context, write: { pipe.write($0, $1) })
        var input = context
        input.standardInput = pipe.readEnd
        var push = PushRun(
            sender: PushSender(client: client, source: source, wantsReceipts: false, sleep: context.sleep),
            lane: InputLane(files: ["-"], context: input),
            spool: Spool(
                root: Spool.root(context), server: client.address.text, source: source, fileSystem: context.fileSystem),
            receipts: nil, context: context)
        push.onKept = { kept.add($0) }

        let watch = ClusterWatch(api: api, journal: journal, isOnce: once, context: context)
        let watching = Task {
            defer { Task { await pipe.closeWriteEnd() } }
            try await watch.run()
        }
        // What the watch has seen is still sent or spooled.
        let signals = EndSignals { watching.cancel() }
        defer { withExtendedLifetime(signals) {} }
        let sent: Result<Void, any Error>
        do { sent = .success(try await push.run()) } catch { sent = .failure(error) }
        watching.cancel()
        // A watch that waits for room in the pipe waits for nobody now.
        pipe.closeReadEnd()
        let watched = await watching.result
        await journal.finish()
        let totals = push.totals
        if json { try context.console.writeOutput(totals.json.line) } else { try context.console.line(totals.summary) }
        try sent.get()
        if case .failure(let error) = watched, !(error is CancellationError) { throw error }
        guard totals.rejected == 0 else { throw CommandFailure(.refused, nil) }
    }

    /// Of the namespace that every cluster has from its first minute to its last.
    private static func uid(of api: KubernetesAPI, _ context: CommandContext) async throws -> String? {
        struct Namespace: Decodable, Sendable { var metadata: KubernetesObjects.Metadata }
        do {
            return try await api.get("/api/v1/namespaces/kube-system", as: Namespace.self).metadata.uid
        } catch KubernetesFailure.denied(let reason) {
            context.console.note("note: the cluster's identity is not known, its name has to do: \(reason)")
            return nil
        }
    }

    private static func memoryPath(_ cluster: String, _ context: CommandContext) -> FilePath {
        let name = cluster.map { $0.isLetter || $0.isNumber || "-._".contains($0) ? $0 : "_" }
        return (context.stateDirectory ?? ".local/state/custody").appending("kubernetes/\(String(name)).json")
    }
}
