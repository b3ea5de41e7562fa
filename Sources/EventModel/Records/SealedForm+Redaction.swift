extension SealedForm {
    /// The sealed form without some of its groups, which are marked as destroyed. Groups that were destroyed before stay so.
    package static func destroying(_ groups: Set<FieldGroup>, of view: SealedView) -> [UInt8] {
        var output = Array(view.bytes[0..<4])
        var kept: [UnsafeRawBufferPointer] = []
        for group in FieldGroup.allCases {
            let bytes = groups.contains(group) ? nil : view.group(group)
            let length = bytes.map { UInt32($0.count) } ?? destroyed
            withUnsafeBytes(of: length.bigEndian) { output.append(contentsOf: $0) }
            if let bytes { kept.append(bytes) }
        }
        for bytes in kept { output.append(contentsOf: bytes) }
        return output
    }
}

extension SealedView {
    /// The groups that were destroyed.
    package var destroyed: Set<FieldGroup> { Set(FieldGroup.allCases.filter { group($0) == nil }) }
}
