/// The numbers of retention classes: events of one class leave together, by one policy.
package enum RetentionClass {
    /// What sources have unless they are given another.
    package static let standard: UInt16 = 0
    /// Custody's own records of what was sealed, held, redacted and destroyed. No policy applies to them, and no source
    /// has this class: what proves a destruction must outlive it.
    package static let records: UInt16 = .max
}
