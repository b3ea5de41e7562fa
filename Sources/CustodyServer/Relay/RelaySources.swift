import Connectors
import DurableFiles
import Foundation
import Synchronization
import SystemPackage

/// The names that deliveries may come for, as the server told them last; kept on disk, so that a relay that starts while its server
/// is away takes what it took before.
final class RelaySources: Sendable {
    private let path: FilePath
    private let fileSystem: any FileSystem
    /// Nil until a server has drained for the first time.
    private let known: Mutex<[String: Connector?]?>
    private let told = Mutex<[DrainRequest.Source]?>(nil)

    /// - Throws: What the disk throws; a file that cannot be read counts as none.
    init(path: FilePath, fileSystem: any FileSystem) throws {
        self.path = path
        self.fileSystem = fileSystem
        var sources: [DrainRequest.Source]?
        if try fileSystem.exists(path) {
            let bytes = try fileSystem.contents(of: path)
            sources = try? JSONDecoder().decode([DrainRequest.Source].self, from: Data(bytes))
        }
        known = Mutex(sources.map(Self.table))
        told.withLock { $0 = sources }
    }

    private static func table(_ sources: [DrainRequest.Source]) -> [String: Connector?] {
        var table: [String: Connector?] = [:]
        for source in sources {
            let connector = try? ConnectorCatalogue.builtIn.connector(named: source.connector)
            table.updateValue(connector, forKey: source.name)
        }
        return table
    }

    enum Finding {
        /// No server has said yet what to take.
        case unpaired
        case unknown
        /// A source; with the connector by whose rules challenges are answered, where the program has it.
        case known(Connector?)
    }

    func find(_ name: String) -> Finding {
        known.withLock { known in
            guard let known else { return .unpaired }
            guard let connector = known[name] else { return .unknown }
            return .known(connector)
        }
    }

    /// Takes over what the server says, durably when it is news.
    func update(_ sources: [DrainRequest.Source]) throws {
        guard told.withLock({ $0 }) != sources else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try fileSystem.writeAtomically(Array(try encoder.encode(sources)), to: path)
        known.withLock { $0 = Self.table(sources) }
        told.withLock { $0 = sources }
    }
}
