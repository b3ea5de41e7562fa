import Testing

@testable import EventStore

struct ChecksumTests {
    @Test("The checksum is XXH64 with seed 0")
    func matchesPublishedVectors() {
        #expect(Checksum.of([]) == 0xEF46_DB37_51D8_E999)
        #expect(Checksum.of(Array("a".utf8)) == 0xD24E_C4F1_A98C_6E5B)
        #expect(Checksum.of(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
        #expect(
            Checksum.of(Array("Nobody inspects the spammish repetition".utf8)) == 0xFBCE_A83C_8A37_8BF1)
    }

    @Test("Every byte counts, at every length")
    func dependsOnEveryByte() {
        for length in 1...100 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            for position in 0..<length {
                var changed = bytes
                changed[position] ^= 1
                #expect(Checksum.of(changed) != Checksum.of(bytes))
            }
        }
    }
}
