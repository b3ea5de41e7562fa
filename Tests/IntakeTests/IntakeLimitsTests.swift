import Intake
import Testing

@Suite("Limits of intake")
struct IntakeLimitsTests {
    @Test(
        "A small disk keeps a quarter of itself in reserve, a large one a fixed amount, and a value that is set counts")
    func reserve() {
        var limits = IntakeLimits()
        #expect(limits.reservedBytes(ofVolume: 64 << 20) == 16 << 20)
        #expect(limits.reservedBytes(ofVolume: 1 << 40) == 256 << 20)
        #expect(limits.reservedBytes(ofVolume: .max) == 256 << 20)
        limits.reservedDiskBytes = 7
        #expect(limits.reservedBytes(ofVolume: 1 << 40) == 7)
    }
}
