/// What `custody verify` counts.
package struct VerificationCounts: Sendable, Equatable {
    package var verified: UInt64 = 0
    package var lawfullyDestroyed: UInt64 = 0
    package var destroyedWithoutAuthority: UInt64 = 0
    package var missing: UInt64 = 0
    package var altered: UInt64 = 0

    package init() {}
}
