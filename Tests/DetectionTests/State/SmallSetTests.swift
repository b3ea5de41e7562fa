import Testing

@testable import Detection

@Suite("Sets of small numbers")
struct SmallSetTests {
    @Test func inputsAscendAndAreThereOnce() {
        var inputs = InputSet()
        #expect(inputs.isEmpty && inputs.first == nil)
        for input in [47, 3, 63, 3, 0] { inputs.insert(input) }
        #expect(Array(inputs) == [0, 3, 47, 63] && inputs.first == 0)
        #expect(inputs.contains(47) && !inputs.contains(46) && !inputs.contains(InputSet.maximumInputs))
    }

    @Test func aCorrelationsInputsFit() {
        #expect(CorrelationDefinition.maximumInputs <= InputSet.maximumInputs)
    }

    @Test func placesAreTakenInOrderAndMayBeAddedBehindTheOneTakenLast() {
        var places = PlaceSet()
        places.reserve(200)
        for place in [130, 5, 64, 5] { places.insert(place) }
        #expect(places.removeFirst() == 5)
        places.insert(63)
        places.insert(199)
        var rest: [Int] = []
        while let place = places.removeFirst() { rest.append(place) }
        #expect(rest == [63, 64, 130, 199] && places.isEmpty)
    }
}
