#!/usr/bin/env bash
# What CI runs in minutes, for as long as somebody lets it: fuzzers of every reader, crash points of the whole write path, and system calls of
# the real program that fail. The seeds are the same each time, so more rounds go on where fewer ended; what is found is told with
# seed and round, and an input of the ledger's readers that is found wrong is added to Tests/LedgerTests/Fixtures/corpus.
#
#   Tests/acceptance/long-run.sh [ROUNDS] [SEEDS]         default 200000 rounds for each input, 2000 histories: about half a day
#
# Exit: 0 nothing found.
set -eu
cd "$(dirname "$(realpath "$0")")/../.."
export CUSTODY_FUZZ_ROUNDS=${1:-200000} CUSTODY_CRASH_SEEDS=${2:-2000}
swift build --build-tests -q
swift test --skip-build --filter 'FuzzTests|CorpusTests|EvidenceVerifierTests'
swift test --skip-build --filter 'CrashTests|WritePathCampaignTests|StoreFaultTests|TamperTests'
CUSTODY_FAULT_CALLS="$(seq -s ' ' 1 60)" Tests/acceptance/disk-faults.sh .build/debug/custody
