import DurableFiles
import Foundation
import SystemPackage
import Testing

@testable import Ledger

/// Writes exports for a foreign verifier, on request only: `CUSTODY_EXPORT=DIR swift test --filter ForeignExport`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["CUSTODY_EXPORT"] != nil))
struct ForeignExport {
    @Test(
        "An export of each size is written for a foreign verifier",
        arguments: [1, 2, 3, 17, 255, 256, 257, 1000, 65_535, 65_536, 65_537, 70_000])
    func export(size: UInt64) async throws {
        let target = FilePath(try #require(ProcessInfo.processInfo.environment["CUSTODY_EXPORT"])).appending("\(size)")
        let fixture = try LedgerFixture()
        let writer = try fixture.open()
        try writer.append(TreeOfLeaves.entries(0..<max(1, size / 3)), at: 0)
        let old = try writer.publish().note.bytes
        try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
        try writer.publish()
        try await StaticExport.write(
            writer.reader, of: #require(writer.reader.latest), to: target, fileSystem: fixture.fileSystem)
        // The verifier wants keys from outside the directory that it is to distrust.
        try Data(old).write(to: URL(filePath: target.string + ".old-checkpoint"))
        try Data((fixture.key.verifierKey.description + "\n").utf8).write(to: URL(filePath: target.string + ".vkey"))
    }
}
