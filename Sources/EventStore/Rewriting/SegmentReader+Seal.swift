extension SegmentReader {
    /// The checksum of the file's header, which covers the whole file, in hexadecimal: which writing of a segment this is.
    package var checksumText: String { String(headerChecksum, radix: 16) }
}
