internal import Foundation

/// The connector files of a directory.
enum ConnectorDirectory {
    struct File {
        let path: String
        /// The name without its extension.
        let stem: String
        let text: String
    }

    /// A connector of every kind that we know has less than a third of this; what is larger is no connector file.
    static let maximumFileBytes = 262_144
    /// Every file is read again whenever the directory changes.
    static let maximumFiles = 512

    /// A file of rows, or a description of one: see ``Enrichment``.
    static func isTable(_ name: String) -> Bool {
        isConnectorFile(name) || name.hasSuffix(".csv") && !name.hasPrefix(".")
    }

    static func isConnectorFile(_ name: String) -> Bool {
        (name.hasSuffix(".yaml") || name.hasSuffix(".yml")) && !name.hasPrefix(".")
    }

    /// One line for each file of a kind, which changes when the file does: its path, size, number and time of change.
    static func fingerprint(_ directory: String, of isWanted: (String) -> Bool = isConnectorFile) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter(isWanted).sorted().map { name in
            let path = directory + "/" + name
            let attributes = (try? FileManager.default.attributesOfItem(atPath: path)) ?? [:]
            let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            let size = (attributes[.size] as? NSNumber)?.int64Value ?? -1
            let number = (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0
            return "\(path) \(size) \(number) \(changed)"
        }
    }

    /// The `*.yaml` and `*.yml` files, sorted by name. Others, and those whose name begins with a dot, are left alone.
    /// - Throws: ``ConnectorError`` `unreadableFile`, or `invalidConnector` above a limit.
    static func read(_ directory: String) throws -> [File] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw ConnectorError(.unreadableFile, "the directory cannot be read", file: directory)
        }
        let wanted = names.filter(isConnectorFile)
        guard wanted.count <= maximumFiles else {
            throw ConnectorError(.invalidConnector, "more than \(maximumFiles) connector files", file: directory)
        }
        return try wanted.map { name in
            let path = directory + "/" + name
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ConnectorError(.unreadableFile, "the file cannot be read", file: path)
            }
            guard data.count <= maximumFileBytes else {
                throw ConnectorError(
                    .invalidConnector, "the file has more than \(maximumFileBytes) bytes", file: path, line: 1)
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                throw ConnectorError(.invalidConnector, "the file is not UTF-8", file: path, line: 1)
            }
            return File(path: path, stem: String(name.prefix { $0 != "." }), text: text)
        }
    }
}
