import DurableFiles
import Foundation
import SystemPackage

@testable import Ledger

/// A ledger in a directory of its own that is removed afterwards.
final class LedgerFixture {
    let directory: FilePath
    let fileSystem: any FileSystem
    let key: LedgerKey

    init(fileSystem: any FileSystem = RealFileSystem(), directory: FilePath? = nil) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)").path
        self.directory = directory ?? FilePath(path)
        self.fileSystem = fileSystem
        key = try LedgerKey(name: "custody/0123abcd", seed: Array(0..<32))
        if directory == nil { try fileSystem.createDirectory(self.directory) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory.string)
    }

    func open() throws -> LedgerWriter {
        try LedgerWriter(directory: directory.appending("ledger"), fileSystem: fileSystem, signer: key)
    }

    /// A ledger of the standard entries, published at each of the sizes.
    @discardableResult
    func build(_ sizes: [UInt64]) throws -> LedgerWriter {
        let writer = try open()
        for size in sizes {
            try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
            try writer.publish()
        }
        return writer
    }
}
