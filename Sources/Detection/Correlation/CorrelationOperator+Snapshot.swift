import EventModel

extension CorrelationOperator {
    private static let version: UInt8 = 1

    /// Version, counters, then the groups by key: key, last look, names, entries.
    func snapshot(to encoder: inout StateEncoder) {
        encoder.write(Self.version)
        encoder.write(count: evictions)
        encoder.write(now)
        encoder.write(count: groups.count)
        for (key, group) in groups.sorted(by: { $0.key < $1.key }) {
            encoder.write(fixed: key.high)
            encoder.write(fixed: key.low)
            encoder.write(group.touched)
            encoder.write(count: group.names.count)
            for name in group.names { encoder.write(name) }
            encoder.write(count: group.entries.count)
            for entry in group.entries {
                encoder.write(entry.time)
                encoder.write(fixed: entry.packed)
                encoder.write(fixed: entry.value)
            }
        }
    }

    func restore(from decoder: inout StateDecoder) throws {
        guard try decoder.readByte() == Self.version else {
            throw StateDecoder.malformed("unknown version of a correlation")
        }
        evictions = Int(clamping: try decoder.readUInt64())
        now = try decoder.readInt64()
        for _ in 0..<(try decoder.readCount(bytesEach: 26)) {
            let key = ValueDigest(high: try decoder.readFixed(), low: try decoder.readFixed())
            var group = CorrelationGroup()
            group.touched = try decoder.readInt64()
            for _ in 0..<(try decoder.readCount()) { group.names.append(try decoder.readString()) }
            for _ in 0..<(try decoder.readCount(bytesEach: 24)) {
                let entry = CorrelationEntry(
                    time: try decoder.readInt64(), packed: try decoder.readFixed(), value: try decoder.readFixed())
                guard entry.isEvidenceOnly || entry.input < max(definition.rules.count, 1) else {
                    throw StateDecoder.malformed("an entry of an input that the rule does not have")
                }
                guard group.entries.last.map({ $0.time <= entry.time }) ?? true else {
                    throw StateDecoder.malformed("entries are not in order")
                }
                group.entries.append(entry)
                if entry.isOpen {
                    deadlines.insert(
                        DeadlineQueue.Deadline(time: entry.time.addingReportingOverflow(span).partialValue, key: key))
                }
            }
            guard groups.updateValue(group, forKey: key) == nil else { throw StateDecoder.malformed("a group twice") }
        }
        recount()
    }
}
