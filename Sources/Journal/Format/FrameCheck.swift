/// Tells whole frames from torn and altered ones.
enum FrameCheck {
    /// What a disk writes as a whole: power loss leaves whole sectors out, as zeros.
    static let sectorBytes: UInt64 = 512

    /// Whether the digest at the end of a whole frame is that of the bytes before it.
    static func hasValidDigest(_ frame: UnsafeRawBufferPointer, after previous: Bytes32) -> Bool {
        let end = frame.count - FrameHeader.digestBytes
        return Bytes32(frame.part(end..<frame.count)) == JournalDigest.frame(frame.part(0..<end), after: previous)
    }

    /// Whether what stands at the end of the newest file, and is no whole frame, can be a write that power loss tore:
    /// it is short, or a sector of it is all zeros, and no frame follows it.
    ///
    /// A frame that was acknowledged had reached the disk as a whole, so that everything else was altered.
    /// - Parameters:
    ///   - rest: all bytes from the bad frame to the file's end.
    ///   - offset: where they are in the file.
    ///   - header: the frame's header, when that is right.
    ///   - headerBytes: the bytes of the header that is not right: fewer cannot be judged, and are short.
    static func isTorn(
        _ rest: UnsafeRawBufferPointer, at offset: UInt64, header: FrameHeader?, headerBytes: Int
    ) -> Bool {
        guard rest.count <= JournalLimits.frameBytes + FileHeader.bytes else { return false }
        if let header {
            if Int(header.length) > rest.count { return true }
            return Int(header.length) == rest.count && hasZeroSector(rest, at: offset)
        }
        let isShort = rest.count < headerBytes
        return (isShort || hasZeroSector(rest, at: offset)) && !hasFrameInside(rest)
    }

    private static func hasZeroSector(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Bool {
        var start = 0
        while start < bytes.count {
            let sectorEnd = (offset + UInt64(start)) / sectorBytes * sectorBytes + sectorBytes - offset
            let end = min(bytes.count, Int(sectorEnd))
            if bytes.part(start..<end).allSatisfy({ $0 == 0 }) { return true }
            start = end
        }
        return false
    }

    /// A frame's header is known by its check, which covers the 32 bytes before it.
    private static func hasFrameInside(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= Bytes32.count + FrameHeader.bytes else { return false }
        return (Bytes32.count...bytes.count - FrameHeader.bytes).contains { start in
            guard bytes[start] == FrameHeader.magic[0], bytes[start + 1] == FrameHeader.magic[1] else { return false }
            let previous = Bytes32(bytes.part(start - Bytes32.count..<start))
            return FrameHeader(bytes.part(start..<bytes.count), after: previous) != nil
        }
    }
}
