/// The fields of the canonical event (schema `custody/1`).
///
/// The raw values are the numbers that the sealed form stores: they are part of the ledger's format, are never reused and
/// never change their meaning. `docs/format/event.md` lists them.
package enum Field: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    // group envelope
    case schema = 1
    case id = 2
    case time = 3
    case timeBasis = 4
    case received = 5
    case sourceName = 6
    case sourceKind = 7
    case sourceInstance = 8
    case sourceEventType = 9
    case sourceDelivery = 10
    case sourceVerified = 11
    case action = 12
    case activity = 13
    case category = 14
    case outcome = 15
    case outcomeCode = 16
    case payloadSHA256 = 17
    case payloadType = 18
    case payloadSize = 19
    case payloadPart = 20
    case normVersion = 21
    /// In no sealed event: the connector and its version that read the event again.
    case normOverlay = 22
    // group actor
    case actorID = 32
    case actorName = 33
    case actorEmail = 34
    case actorType = 35
    case actorVia = 36
    case actorCredential = 37
    // group network
    case clientIP = 40
    case clientPort = 41
    case clientChain = 42
    case clientAgent = 43
    case clientName = 44
    // group resource
    case resourceType = 48
    case resourceID = 49
    case resourceName = 50
    case resourceParent = 51
    case resourceURL = 52
    case targetsType = 56
    case targetsID = 57
    case targetsName = 58
    case targetsParent = 59
    case targetsURL = 60
    case appName = 64
    case appVersion = 65
    case appEnv = 66
    case apiProtocol = 68
    case apiMethod = 69
    case apiPath = 70
    case apiOperation = 71
    case apiStatus = 72
    case apiVersion = 73
    case apiRequestID = 74
    case apiDuration = 75
    case artifactName = 80
    case artifactPURL = 81
    case artifactDigest = 82
    case artifactTag = 83
    case artifactMediaType = 84
    case artifactSize = 85
    case vcsRepo = 88
    case vcsRef = 89
    case vcsCommit = 90
    case vcsBefore = 91
    case vcsChange = 92
    case ciSystem = 96
    case ciPipeline = 97
    case ciRun = 98
    case ciAttempt = 99
    case ciJob = 100
    case ciRunner = 101
    case corrTrace = 104
    case corrSpan = 105
    case corrRequest = 106
    case corrSession = 107
    case corrChain = 108
    case corrLinks = 109
    // group text
    case outcomeReason = 112
    case normWarnings = 113
    case ext = 114
}
