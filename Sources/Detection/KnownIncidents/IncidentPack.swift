import Crypto
import Foundation

/// The known incidents that are looked for: those that come with Custody, and an operator's own.
package struct IncidentPack: Sendable {
    /// In the order of their exposure, the latest first.
    package private(set) var incidents: [KnownIncident] = []
    package private(set) var channels: [String: EvidenceChannel] = [:]
    /// Files and documents that were left out, each with its reason.
    package private(set) var errors: [DetectionError] = []
    /// SHA-256 of everything that was read, as hexadecimal: it differs when the pack does.
    package private(set) var digest = ""

    /// The files that come with Custody, embedded in the program; a test compares them with the folder `Incidents`.
    static let files: [(name: String, text: [UInt8])] = [
        ("channels.yml", PackageResources.channels_yml),
        ("chalk-debug-2025.yml", PackageResources.chalk_debug_2025_yml),
        ("codecov-2021.yml", PackageResources.codecov_2021_yml),
        ("event-stream-2018.yml", PackageResources.event_stream_2018_yml),
        ("nx-2025.yml", PackageResources.nx_2025_yml),
        ("reviewdog-2025.yml", PackageResources.reviewdog_2025_yml),
        ("shai-hulud-2025.yml", PackageResources.shai_hulud_2025_yml),
        ("solarwinds-2020.yml", PackageResources.solarwinds_2020_yml),
        ("tj-actions-2025.yml", PackageResources.tj_actions_2025_yml),
        ("torchtriton-2022.yml", PackageResources.torchtriton_2022_yml),
        ("ua-parser-js-2021.yml", PackageResources.ua_parser_js_2021_yml),
        ("ultralytics-2024.yml", PackageResources.ultralytics_2024_yml),
        ("xz-2024.yml", PackageResources.xz_2024_yml),
    ]

    /// The built-in pack alone.
    package static let builtIn = IncidentPack(
        files.map { (name: "built-in/\($0.name)", text: String(decoding: $0.text, as: UTF8.self)) })

    /// The built-in pack and the `.yml` and `.yaml` files of directories. An incident or a channel of a later file takes the
    /// place of one with the same name, so that an operator can correct ours.
    ///
    /// - Throws: ``DetectionError`` when a directory cannot be listed. What is wrong with single files is in ``errors``.
    package static func load(directories: [String], limits: RuleLimits = RuleLimits()) throws -> IncidentPack {
        guard !directories.isEmpty else { return builtIn }
        var read = files.map { (name: "built-in/\($0.name)", text: String(decoding: $0.text, as: UTF8.self)) }
        var unreadable: [DetectionError] = []
        for directory in directories {
            for url in try urls(in: directory, limits) {
                guard let data = try? Data(contentsOf: url), data.count <= limits.documentBytes,
                    let text = String(validating: data, as: UTF8.self)
                else {
                    unreadable.append(
                        DetectionError(
                            .unreadable,
                            "the file cannot be read, is larger than \(limits.documentBytes) bytes or no UTF-8",
                            file: url.path))
                    continue
                }
                read.append((url.path, text))
            }
        }
        var pack = IncidentPack(read, limits: limits)
        pack.errors += unreadable
        return pack
    }

    private static func urls(in directory: String, _ limits: RuleLimits) throws -> [URL] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw DetectionError(.unreadable, "not a directory of incidents", file: directory)
        }
        let files = names.filter { $0.hasSuffix(".yml") || $0.hasSuffix(".yaml") }.sorted()
        guard files.count <= limits.files else {
            throw DetectionError(.unreadable, "more than \(limits.files) files of incidents", file: directory)
        }
        return files.map { URL(fileURLWithPath: directory).appendingPathComponent($0) }
    }

    init(_ files: [(name: String, text: String)], limits: RuleLimits = RuleLimits()) {
        var hash = SHA256()
        var documents: [(file: String, root: RuleNode)] = []
        for file in files {
            hash.update(data: Data("\(file.name)\0\(file.text.utf8.count)\0\(file.text)".utf8))
            for document in RuleDocument.split(file.text) {
                do {
                    documents.append((file.name, try document.root(limits: limits)))
                } catch {
                    note(error, file.name, document.firstLine)
                }
            }
        }
        digest = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        // Channels first, whatever file they are in: incidents name them.
        for (file, root) in documents where root["channels"] != nil {
            do {
                for channel in try IncidentReader.channels(root, file: file) { channels[channel.name] = channel }
            } catch {
                note(error, file, root.line)
            }
        }
        var byID: [String: KnownIncident] = [:]
        for (file, root) in documents where root["channels"] == nil {
            do {
                let incident = try IncidentReader(file: file, channels: channels).incident(root)
                byID[incident.id] = incident
            } catch {
                note(error, file, root.line)
            }
        }
        incidents = byID.values.sorted { ($0.exposure.from, $0.id) > ($1.exposure.from, $1.id) }
    }

    private mutating func note(_ error: any Error, _ file: String, _ line: Int) {
        let error = error as? DetectionError ?? DetectionError(.invalidIncident, String(describing: error))
        errors.append(error.located(file: file, line: line))
    }
}
