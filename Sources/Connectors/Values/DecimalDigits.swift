extension UnsafeRawBufferPointer {
    /// The number that stands at a place in decimal digits; the place moves behind those that were read.
    ///
    /// - Parameter digits: How many there have to be; the ones behind as many as the upper bound are left.
    /// - Returns: nil for fewer.
    func decimal(at position: inout Int, digits: ClosedRange<Int>) -> Int? {
        let start = position
        var value = 0
        while position < count, position - start < digits.upperBound, self[position] &- UInt8(ascii: "0") < 10 {
            value = value * 10 + Int(self[position] &- UInt8(ascii: "0"))
            position += 1
        }
        return digits.contains(position - start) ? value : nil
    }
}
