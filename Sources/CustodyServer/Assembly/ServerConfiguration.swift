package import Delivery
import DurableFiles
import Foundation
import Identity
package import Intake
package import Ledger
package import SystemPackage
import Yams

/// How `custody serve` is set up: the command line's options, and what the configuration file adds.
package struct ServerConfiguration: Sendable {
    package var dataDirectory: FilePath = "custody-data"
    package var host = "127.0.0.1"
    package var port = 8400
    package var tlsCertificate: String?
    package var tlsKey: String?
    /// Certificates of authorities whose clients may show a certificate in place of a token.
    package var clientAuthorities: String?
    /// Whether `/ledger/tile/entries` needs no token.
    package var publicEntries = false
    /// `CUSTODY_ADMIN_TOKEN`: the first start makes this the admin token.
    package var adminToken: String?
    package var intake = IntakeLimits()
    /// How long home and the page of sources wait for counts of events: beyond it they say what was counted before, or nothing.
    package var pageCounts = Duration.milliseconds(100)
    /// How long a start waits for the views to be where they were, before deliveries are taken beside that. After a stop in good
    /// order there is next to nothing to do.
    package var startPatience = Duration.milliseconds(500)
    /// How long a request that asks the views waits after a start for them to be where they were: as long as a search may run.
    package var recoveryWait = Duration.seconds(30)
    /// Seconds between two verifications of everything in the background; 0 for none. Once a day finds a failing disk while
    /// the backup of the day before is still there.
    package var verificationInterval: Int64 = 86_400
    /// The part of one core's time that a verification in the background takes.
    package var verificationShare = 0.1
    /// Directories of rules beside the built-in pack.
    package var ruleDirectories: [String] = []
    /// Directories of connectors beside the built-in catalogue.
    package var connectorDirectories: [String] = []
    /// Directories of tables that events are enriched from.
    package var enrichmentDirectories: [String] = []
    /// Directories of known incidents beside the built-in pack.
    package var incidentDirectories: [String] = []
    /// Where alerts are sent.
    package var notifications: [DestinationSettings] = []
    /// Hosts and address ranges that notifications may go to although they are private.
    package var allowedTargets: [String] = []

    /// Where the signer remembers what it signed, outside the data directory and its backups. Nil, which only a server that is
    /// thrown away afterwards should have, remembers nothing.
    package var guardDirectory: FilePath?
    /// The policy (C2SP tlog-policy) whose quorum of witnesses comes before publication.
    package var witnessPolicy: WitnessPolicy?
    /// The policy whose logs this server cosigns, as a witness of others at `/witness`.
    package var witnessedLogs: WitnessPolicy?
    /// Where copies of the checkpoint go.
    package var checkpointCopies: [CheckpointCopy] = []
    /// How many minutes lie between beacon leaves; 0 for none.
    package var beaconMinutes = 10
    /// Where syslog is listened for.
    package var syslog: [SyslogSettings] = []
    /// Where events are fetched from.
    package var pulls: [PullSettings] = []
    /// Which organizations of GitHub are read over its API.
    package var github: [GitHubSettings] = []

    /// A place that gets a copy of each checkpoint, at most one in so many seconds.
    package struct CheckpointCopy: Sendable, Equatable {
        package enum Target: Sendable, Equatable {
            /// A directory, to which `checkpoint` and one file of each copied size are written.
            case directory(FilePath)
            /// An HTTP address, to which the note is sent by PUT.
            case url(String)
        }
        package var target: Target
        package var seconds: Int

        package init(target: Target, seconds: Int) {
            self.target = target
            self.seconds = seconds
        }
    }

    package init() {}

    package var journal: FilePath { dataDirectory.appending("journal") }
    package var ledger: FilePath { dataDirectory.appending("ledger") }
    package var overlays: FilePath { dataDirectory.appending("overlays") }
    package var segments: FilePath { dataDirectory.appending("segments") }
    package var keys: FilePath { dataDirectory.appending("keys") }
    package var database: FilePath { dataDirectory.appending("state.db") }
    package var adminTokenFile: FilePath { keys.appending("admin.token") }

    /// Listens for syslog on an address, over UDP and TCP, as the source `auto`: `--syslog`.
    ///
    /// - Throws: ``ConfigurationError``.
    package mutating func listenForSyslog(on address: String) throws {
        let (host, port) = try SyslogSettings.address(address)
        for transport in [SyslogSettings.Transport.udp, .tcp] {
            syslog.append(
                SyslogSettings(host: host, port: port, transport: transport, source: SourceStore.automatic))
        }
    }

    /// Sets the address from `HOST:PORT` (`[::1]:8400` for IPv6, `:8400` for all addresses).
    ///
    /// - Throws: ``ConfigurationError``.
    package mutating func listen(on address: String) throws {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            throw ConfigurationError("the address \(address) is not HOST:PORT")
        }
        let host = address[..<colon].trimmingCharacters(in: ["[", "]"])
        self.host = host.isEmpty ? "0.0.0.0" : host
        self.port = Int(port)
    }
}

/// What is wrong with the configuration; shown to the operator as it is.
package struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension ServerConfiguration {
    private struct File: Decodable {
        struct Copy: Decodable {
            var directory: String?
            var url: String?
            var seconds: Int?
        }
        enum CodingKeys: String, CodingKey {
            case listen, rules, connectors, enrichment, incidents, notifications, policy, witness, syslog, pull, github
            case guardDirectory = "guard"
            case checkpointCopies = "checkpoint_copies"
            case beaconMinutes = "beacon_minutes"
            case allowedTargets = "allowed_targets"
            case publicEntries = "public_entries"
            case verifyInterval = "verify_interval"
            case verifyShare = "verify_share"
            case tlsCertificate = "tls_cert"
            case tlsKey = "tls_key"
            case clientAuthorities = "client_ca"
        }
        var syslog: [SyslogSettings.Entry]?
        var pull: [PullSettings.Entry]?
        var github: [GitHubSettings.Entry]?
        var guardDirectory: String?
        var policy: String?
        var witness: String?
        var checkpointCopies: [Copy]?
        var beaconMinutes: Int?
        var listen: String?
        var rules: [String]?
        var connectors: [String]?
        var enrichment: [String]?
        var incidents: [String]?
        var notifications: [DestinationSettings]?
        var allowedTargets: [String]?
        var publicEntries: Bool?
        var verifyInterval: Int64?
        var verifyShare: Double?
        var tlsCertificate: String?
        var tlsKey: String?
        var clientAuthorities: String?
    }

    /// The least time between two copies of the checkpoint in one place, and what it is when nothing is said.
    private static let leastCopySeconds = 1
    private static let usualCopySeconds = 60

    private static func copy(_ read: File.Copy, file: String) throws -> CheckpointCopy {
        let seconds = read.seconds ?? usualCopySeconds
        guard (leastCopySeconds...86_400).contains(seconds) else {
            throw ConfigurationError("\(file): checkpoint_copies: seconds is \(leastCopySeconds) to 86400")
        }
        switch (read.directory, read.url) {
        case (let directory?, nil): return CheckpointCopy(target: .directory(FilePath(directory)), seconds: seconds)
        case (nil, let url?) where url.hasPrefix("https://") || url.hasPrefix("http://"):
            return CheckpointCopy(target: .url(url), seconds: seconds)
        default: throw ConfigurationError("\(file): checkpoint_copies: each has a directory or an http(s) url")
        }
    }

    /// Reads a policy file.
    ///
    /// - Throws: ``ConfigurationError`` with the file and the line.
    package static func policy(at path: String) throws -> WitnessPolicy {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError("\(path) cannot be read")
        }
        do {
            return try WitnessPolicy(parsing: Array(bytes))
        } catch let error as LedgerError {
            throw ConfigurationError("\(path): \(error.reason)")
        }
    }

    /// Where the guard is when nobody says: for root `/var/lib/custody/guard`, else `$XDG_STATE_HOME/custody/guard`, else
    /// `~/.local/state/custody/guard`; nil when there is no home either.
    package static func usualGuardDirectory(environment: [String: String], isRoot: Bool) -> FilePath? {
        if isRoot { return "/var/lib/custody/guard" }
        if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return FilePath(state + "/custody/guard") }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return FilePath(home + "/.local/state/custody/guard")
    }

    /// Takes over what a YAML configuration file says.
    ///
    /// - Throws: ``ConfigurationError`` that names the file and what is wrong.
    package mutating func read(yaml text: String, file: String) throws {
        do {
            if let node = try Yams.compose(yaml: text), let mapping = node.mapping {
                for key in mapping.keys {
                    guard let name = key.string, File.CodingKeys(rawValue: name) != nil else {
                        throw ConfigurationError("\(file): unknown key \(key.string ?? "?")")
                    }
                }
            }
            let read = try YAMLDecoder().decode(File.self, from: text)
            if let directory = read.guardDirectory { guardDirectory = FilePath(directory) }
            if let policy = read.policy { witnessPolicy = try Self.policy(at: policy) }
            if let witness = read.witness { witnessedLogs = try Self.policy(at: witness) }
            if let minutes = read.beaconMinutes {
                guard (0...1_440).contains(minutes) else {
                    throw ConfigurationError("\(file): beacon_minutes is 0 to 1440")
                }
                beaconMinutes = minutes
            }
            checkpointCopies += try (read.checkpointCopies ?? []).map { try Self.copy($0, file: file) }
            if let address = read.listen { try listen(on: address) }
            syslog += try (read.syslog ?? []).map { try SyslogSettings($0) }
            let environment = ProcessInfo.processInfo.environment
            pulls += try (read.pull ?? []).map { try PullSettings($0, environment: environment) }
            guard Set(pulls.map(\.name)).count == pulls.count else {
                throw ConfigurationError("\(file): pull: each has a name of its own")
            }
            github += try (read.github ?? []).map { entry in
                try GitHubSettings(entry, environment: environment) { path in
                    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
                }
            }
            guard Set(github.map(\.source)).count == github.count else {
                throw ConfigurationError("\(file): github: each has a source of its own")
            }
            ruleDirectories += read.rules ?? []
            connectorDirectories += read.connectors ?? []
            enrichmentDirectories += read.enrichment ?? []
            incidentDirectories += read.incidents ?? []
            allowedTargets += read.allowedTargets ?? []
            publicEntries = publicEntries || read.publicEntries ?? false
            verificationInterval = read.verifyInterval ?? verificationInterval
            verificationShare = read.verifyShare ?? verificationShare
            guard verificationInterval >= 0, verificationShare > 0, verificationShare <= 1 else {
                throw ConfigurationError(
                    "\(file): verify_interval is seconds from 0 on, verify_share a part above 0 and at most 1")
            }
            tlsCertificate = tlsCertificate ?? read.tlsCertificate
            tlsKey = tlsKey ?? read.tlsKey
            clientAuthorities = clientAuthorities ?? read.clientAuthorities
            notifications += read.notifications ?? []
        } catch let error as ConfigurationError {
            throw error
        } catch let error as DeliveryError {
            throw ConfigurationError("\(file): \(error.reason)")
        } catch {
            throw ConfigurationError("\(file): \(error)")
        }
    }
}
