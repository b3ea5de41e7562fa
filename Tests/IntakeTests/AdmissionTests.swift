import Intake
import Testing

@Suite("Admission")
struct AdmissionTests {
    @Test("Bytes beyond the budget are refused at once and admitted again after others were released")
    func budget() throws {
        let admission = Admission(limit: 100)
        var first: Admitted? = try admission.admit(60)
        #expect(throws: IntakeError(.overloaded, "too much is waiting to be committed")) { try admission.admit(60) }
        #expect(admission.usedBytes == 60)
        _ = first
        first = nil
        #expect(admission.usedBytes == 0)
        let again = try admission.admit(60)
        withExtendedLifetime(again) { #expect(admission.usedBytes == 60) }
    }

    @Test("A delivery larger than the whole budget is admitted when it is alone")
    func large() throws {
        let admission = Admission(limit: 100)
        let large = try admission.admit(500)
        #expect(throws: IntakeError.self) { try admission.admit(1) }
        withExtendedLifetime(large) {}
    }
}
