import EventModel
import EventStore
import Journal
import SystemPackage

/// What was read again: structure, indexes against their rows, and each row's payload against the one that was sealed.
///
/// Which fields a connector made of a payload cannot be proved: it is labelled as a reading, and `custody source renormalise`
/// makes it again. What can be proved is that it is a reading of what was sealed.
extension DataDirectoryVerifier {
    /// Rows that are compared at a time.
    private static let rowsOfComparison = 1_024

    func checkOverlays(_ pace: VerificationPace) async -> [String] {
        do {
            let overlays = try OverlayInspection(directory: directory.appending("overlays"), fileSystem: fileSystem)
            let bases = try SegmentInspection(directory: directory.appending("segments"), fileSystem: fileSystem)
            var faults = overlays.faults.map { "\($0)" }
            for overlay in overlays.segments {
                faults += await pace.run { Self.faults(of: overlay, over: bases.segments) }
            }
            return faults
        } catch {
            return ["overlays: \(error)"]
        }
    }

    private static func faults(of overlay: SegmentReader, over bases: [SegmentReader]) -> [String] {
        var faults: [String] = []
        overlay.verify { faults.append("\($0)") }
        guard faults.isEmpty else { return faults }
        do {
            if try overlay.indexDigest() != overlay.rebuiltIndexDigest() {
                faults.append("\(overlay.name): the index is not the one that its rows give")
            }
            for base in bases where base.partition == overlay.partition && base.indexes.overlaps(overlay.indexes) {
                if let index = try firstForeign(overlay, base) {
                    faults.append("\(overlay.name): leaf \(index) is no reading of what was sealed")
                }
            }
        } catch {
            faults.append("\(error)")
        }
        overlay.release()
        return faults
    }

    /// The first leaf of an overlay whose payload, or what intake says of it, is not the sealed one.
    private static func firstForeign(_ overlay: SegmentReader, _ base: SegmentReader) throws -> LeafIndex? {
        for start in stride(from: 0, to: overlay.rowCount, by: rowsOfComparison) {
            var readings: [Int: (index: LeafIndex, identity: [[UInt8]?])] = [:]
            try overlay.withRecords(start..<min(start + rowsOfComparison, overlay.rowCount)) { row, view in
                let index = try overlay.leafIndex(ofRow: row)
                if let place = try base.row(of: index) { readings[place] = (index, identity(of: view)) }
                return true
            }
            var foreign: LeafIndex?
            try base.withRecords(readings.keys.sorted()) { row, view in
                guard let reading = readings[row], reading.identity != identity(of: view) else { return true }
                foreign = reading.index
                return false
            }
            if let foreign { return foreign }
        }
        return nil
    }

    private static func identity(of view: SealedView) -> [[UInt8]?] {
        [view.payload.map { Array($0) }]
            + [Field.id, .received, .sourceName, .sourceVerified, .sourceDelivery].map { field in
                view.value(field).map { Array($0) }
            }
    }
}
