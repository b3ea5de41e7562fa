/// The seeds of some (bundle, partition) pairs.
package struct SeedTable: Sendable, Hashable {
    /// What a seed belongs to.
    package struct Key: Sendable, Hashable {
        package let bundle: UInt64
        package let partition: JournalPartition

        package init(bundle: UInt64, partition: JournalPartition) {
            self.bundle = bundle
            self.partition = partition
        }
    }

    private var seeds: [Key: SaltSeed] = [:]

    package init() {}

    /// The seed of a (bundle, partition), if it is in the table.
    package subscript(bundle bundle: UInt64, partition: JournalPartition) -> SaltSeed? {
        get { seeds[Key(bundle: bundle, partition: partition)] }
        set { seeds[Key(bundle: bundle, partition: partition)] = newValue }
    }

    /// The number of seeds.
    package var count: Int { seeds.count }

    /// All pairs, by bundle, then day, then class.
    package var sorted: [(key: Key, seed: SaltSeed)] {
        seeds.map { (key: $0.key, seed: $0.value) }.sorted { left, right in
            let (a, b) = (left.key, right.key)
            return (a.bundle, a.partition.day, a.partition.retentionClass)
                < (b.bundle, b.partition.day, b.partition.retentionClass)
        }
    }

    mutating func keepOnly(bundle: UInt64) {
        seeds = seeds.filter { $0.key.bundle == bundle }
    }

    mutating func formUnion(_ other: SeedTable) {
        seeds.merge(other.seeds) { _, new in new }
    }
}
