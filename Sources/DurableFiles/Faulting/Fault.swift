package import SystemPackage

/// Something that goes wrong on a ``FaultingFileSystem``, once, at a counted operation.
package struct Fault: Sendable, Hashable {
    /// What happens to the operation.
    package enum Effect: Sendable, Hashable {
        /// It fails with this error and has no effect. A synchronisation that fails loses the pages it was to write:
        /// they look written from then on and are on no disk, as Linux does it.
        case error(Errno)
        /// A write stores only a part of its bytes, chosen by the seed, then fails with this error. On other
        /// operations the same as ``error(_:)``.
        case shortWrite(Errno)
        /// Power is lost: a write may have reached the page cache in part; every later operation throws `powerLost`
        /// until ``FaultingFileSystem/restartMachine()``.
        case powerLoss
    }

    /// The number of the operation, counted from 1 since the faults were set.
    package let operation: Int
    package let effect: Effect

    package init(atOperation operation: Int, _ effect: Effect) {
        self.operation = operation
        self.effect = effect
    }
}
