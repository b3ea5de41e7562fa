import EventModel
import Testing

@Suite("Event ids as numbers")
struct EventIDTests {
    private func id(_ text: String) -> EventID? { Array(text.utf8).withUnsafeBytes { EventID($0) } }

    private func text(_ id: EventID) -> String {
        var bytes = [UInt8](repeating: 0, count: EventID.textBytes)
        bytes.withUnsafeMutableBytes { id.writeText(to: $0.baseAddress!) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("A UUID in lower case is a number and comes back")
    func roundTrip() {
        let sample = "0192f4a5-58cc-7abc-8def-0123456789fe"
        #expect(id(sample) == EventID(high: 0x0192_F4A5_58CC_7ABC, low: 0x8DEF_0123_4567_89FE))
        for sample in [
            sample, String(repeating: "0", count: 8) + "-0000-0000-0000-" + String(repeating: "0", count: 12),
        ] {
            #expect(id(sample).map(text) == sample)
        }
        #expect(text(EventID(high: .max, low: .max)) == "ffffffff-ffff-ffff-ffff-ffffffffffff")
        #expect(EventID(high: 7, low: .max).next == EventID(high: 7, low: 0))
    }

    @Test("Nothing else is taken for one: each other byte in each place is refused")
    func others() {
        let sample = Array("0192f4a5-58cc-7abc-8def-0123456789fe".utf8)
        for place in sample.indices {
            for byte in UInt8.min ... .max where byte != sample[place] {
                var changed = sample
                changed[place] = byte
                let isHyphen = [8, 13, 18, 23].contains(place)
                let isDigit = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                let id = changed.withUnsafeBytes { EventID($0) }
                #expect((id != nil) == (!isHyphen && isDigit), "byte \(byte) at \(place)")
            }
        }
        #expect(id("") == nil)
        #expect(sample.dropLast().withUnsafeBytes { EventID($0) } == nil)
        #expect((sample + [0x30]).withUnsafeBytes { EventID($0) } == nil)
    }
}
