import DurableFiles
import EventModel
import Foundation
import SystemPackage

@testable import EventStore

/// What somebody does who can write files and knows the format: checksums are right again afterwards.
enum SegmentForgery {
    /// The path, below the directory, of the largest segment that its manifest names.
    static func largestSegment(in directory: FilePath) throws -> String? {
        try manifest(of: directory).segments.max { $0.fileBytes < $1.fileBytes }?.path
    }

    /// Takes the first row's value out of a column; where nearly all rows have the same, that of all of these.
    static func hideFirstRow(of path: String, _ field: Field, in directory: FilePath) throws {
        try change(.codes, field, at: 0, { $0 = 0 }, path, directory)
    }

    /// Says of the first identifier that another bundle has it.
    static func hideFirstIdentifier(of path: String, in directory: FilePath) throws {
        // Behind the number of low bits and the quotient, which is zero: the lowest bit of its bundle.
        try change(.identifiers, nil, at: 1, { $0 ^= 2 }, path, directory)
    }

    private static func change(
        _ kind: SectionKind, _ changed: Field?, at offset: Int, _ change: (inout UInt8) -> Void, _ path: String,
        _ directory: FilePath
    ) throws {
        let files = SegmentDirectory(path: directory, fileSystem: RealFileSystem())
        var manifest = try manifest(of: directory)
        guard let position = manifest.segments.firstIndex(where: { $0.path == path }) else { return }
        let reader = try files.open(manifest.segments[position])
        let memory = SegmentMemory(capacity: reader.byteCount)
        let composer = try SegmentComposer(memory)
        for section in reader.sections {
            let field = Field(rawValue: section.field)
            var bytes = Array(reader.storage.bytes.slice(section.range))
            if section.kind == kind, field == changed { change(&bytes[offset]) }
            try composer.section(section.kind, field: field, width: Int(section.width)) {
                try bytes.withUnsafeBytes { try composer.append($0) }
                return Int(section.itemCount)
            }
        }
        try composer.finish(reader.header)
        try Data(memory.bytes).write(to: URL(fileURLWithPath: directory.appending(path).string))
        manifest.segments[position] = SegmentEntry(
            try SegmentReader(.memory(memory), name: path))
        try files.publish(manifest)
    }

    /// Gives the first two leaves each other's event.
    static func swapFirstRows(of path: String, in directory: FilePath) throws {
        let files = SegmentDirectory(path: directory, fileSystem: RealFileSystem())
        var manifest = try manifest(of: directory)
        guard let position = manifest.segments.firstIndex(where: { $0.path == path }) else { return }
        let reader = try files.open(manifest.segments[position])
        var records: [[UInt8]] = []
        try reader.withRecords(0..<reader.rowCount) { _, view in
            records.append(Array(view.bytes))
            return true
        }
        records.swapAt(0, 1)
        let writer = try SegmentWriter(partition: reader.partition, compressionLevel: 1)
        for (row, record) in records.enumerated() {
            try record.withUnsafeBytes {
                try writer.append(SealedView($0), index: reader.leafIndex(ofRow: row), key: .none)
            }
        }
        for seed in try reader.seeds() { writer.append(seed: seed) }
        guard let memory = try writer.finish() else { return }
        try Data(memory.bytes).write(to: URL(fileURLWithPath: directory.appending(path).string))
        manifest.segments[position] = SegmentEntry(try SegmentReader(.memory(memory), name: path))
        try files.publish(manifest)
    }

    private static func manifest(of directory: FilePath) throws -> Manifest {
        try Manifest(RealFileSystem().contents(of: directory.appending(Manifest.fileName)))
    }
}

enum StoredManifest {
    /// The last line of a manifest with these lines before.
    static func checksumLine(of text: String) -> String {
        "checksum \(String(Checksum.of(Array(text.utf8)), radix: 16))\n"
    }
}
