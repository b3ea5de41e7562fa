import EventModel

// What was gathered, sorted.
extension PathIndexBuilder {
    mutating func write(to composer: SegmentComposer, rowCount: Int) throws {
        var writer = PathIndexWriter(rowCount: rowCount)
        defer { writer.free() }
        let (order, ends) = valuesByPath()
        defer {
            order.free()
            ends.free()
        }
        let names = (0...tree.count).map { tree.name(UInt32($0)) }
        // The root, which has no name, comes first and is no path.
        for path in names.indices.sorted(by: { names[$0].lexicographicallyPrecedes(names[$1]) }).dropFirst() {
            let own = order.buffer[Int(ends[path - 1])..<Int(ends[path])]
            add(UInt32(path), names[path], UnsafeBufferPointer(rebasing: own), to: &writer)
        }
        try writer.write(to: composer, wideRows: wideRows.buffer, isOverflowed: isOverflowed)
    }

    /// Positions of values by path, in order of appearance, and where those of each path end.
    private func valuesByPath() -> (order: GrowableMemory<UInt32>, ends: GrowableMemory<UInt32>) {
        var ends = GrowableMemory<UInt32>(capacity: tree.count + 2)
        ends.append(0, repeated: tree.count + 2)
        for value in values.buffer { ends[Int(value.path) + 1] += 1 }
        for path in 0...tree.count { ends[path + 1] += ends[path] }
        var order = GrowableMemory<UInt32>(capacity: max(values.count, 1))
        order.append(0, repeated: values.count)
        for (position, value) in values.buffer.enumerated() {
            order[Int(ends[Int(value.path)])] = UInt32(position)
            ends[Int(value.path)] += 1
        }
        return (order, ends)
    }

    private func bytes(of number: UInt32) -> UnsafeRawBufferPointer {
        let value = values[Int(number)]
        return UnsafeRawBufferPointer(start: arena.start + value.start, count: Int(value.length))
    }

    private func add(
        _ number: UInt32, _ name: [UInt8], _ numbers: UnsafeBufferPointer<UInt32>, to writer: inout PathIndexWriter
    ) {
        // In place: a copy that grew would leave freed memory behind.
        if column(number).pointee.isMulti {
            column(number).pointee.starts.append(UInt32(column(number).pointee.codes.count))
        }
        let path = column(number).pointee
        guard path.keepsValues else {
            writer.add(PathColumnParts(name: name, rows: path.rows.buffer, values: nil))
            return
        }
        let sorted = DictionaryOrder.sorted(0..<UInt32(numbers.count)) { bytes(of: numbers[Int($0)]) }
        var text = GrowableMemory<UInt8>(capacity: max(path.valueBytes, 1))
        var offsets = GrowableMemory<UInt32>(capacity: sorted.count + 1)
        var ranks = GrowableMemory<UInt32>(capacity: max(sorted.count, 1))
        var codes = GrowableMemory<UInt32>(capacity: max(path.codes.count, 1))
        defer {
            sorted.free()
            text.free()
            offsets.free()
            ranks.free()
            codes.free()
        }
        // Positions ascend, and so do a path's numbers: a value's place among the positions is its number.
        ranks.append(0, repeated: sorted.count)
        for (rank, key) in sorted.buffer.enumerated() {
            ranks[Int(key.number)] = UInt32(rank)
            offsets.append(UInt32(text.count))
            text.append(bytes: bytes(of: numbers[Int(key.number)]))
        }
        offsets.append(UInt32(text.count))
        for code in path.codes.buffer { codes.append(ranks[Int(code)]) }
        writer.add(
            PathColumnParts(
                name: name, rows: path.rows.buffer,
                values: .init(
                    bytes: UnsafeRawBufferPointer(text.buffer), offsets: offsets.buffer, codes: codes.buffer,
                    starts: path.isMulti ? path.starts.buffer : nil)))
    }
}
