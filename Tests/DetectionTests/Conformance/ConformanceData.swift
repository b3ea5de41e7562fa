import EventModel
import Foundation

/// The shared Sigma conformance data: a folder named by `CUSTODY_CONFORMANCE`, by default beside the package.
enum ConformanceData {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["CUSTODY_CONFORMANCE"] {
            return URL(fileURLWithPath: path).appendingPathComponent("sigma")
        }
        return URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("shared/conformance/sigma")
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root.path) }

    static func lines(_ file: String) throws -> [[UInt8]] {
        try Data(contentsOf: root.appendingPathComponent(file)).split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }

    /// The range of a member's value inside a line, as it was written there.
    static func member(_ name: String, of line: [UInt8]) -> [UInt8]? {
        line.withUnsafeBytes { bytes in
            let splitter = JSONSplitter(bytes)
            let offset = Array(name.utf8).withUnsafeBytes { splitter.offset(ofMember: $0) }
            return offset.map { Array(bytes[splitter.value(at: $0)]) }
        }
    }

    static func object(_ line: [UInt8]) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] ?? [:]
    }
}
