extension ValueDigest {
    func write(to encoder: inout StateEncoder) {
        encoder.write(fixed: high)
        encoder.write(fixed: low)
    }

    init(from decoder: inout StateDecoder) throws {
        self.init(high: try decoder.readFixed(), low: try decoder.readFixed())
    }
}
