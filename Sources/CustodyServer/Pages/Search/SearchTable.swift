import EventModel
import EventStore
import QueryLanguage

/// A table or series as a page shows it.
struct SearchTable {
    let result: QueryResult

    init(_ result: QueryResult) { self.result = result }

    var data: PageData {
        let isNumber = result.columns.indices.map { column in
            result.rows.allSatisfy { $0.count > column && Self.isNumber($0[column]) } && !result.rows.isEmpty
        }
        return .of([
            "columns": result.columns.enumerated().map { place, column -> PageData in
                .of(["name": column.name, "is_number": isNumber[place] ? true : nil])
            },
            "rows": result.rows.map { row -> PageData in
                [
                    "cells": row.enumerated().map { place, value -> PageData in
                        .of(["text": Self.text(value), "is_number": isNumber[place] ? true : nil])
                    }
                ]
            },
            "is_empty": result.rows.isEmpty ? true : nil, "count": PageNumber.text(result.rows.count),
        ])
    }

    private static func isNumber(_ value: QueryValue) -> Bool {
        switch value {
        case .integer, .decimal: true
        default: false
        }
    }

    private static func text(_ value: QueryValue) -> String {
        switch value {
        case .absent: ""
        case .integer(let number): PageNumber.text(number)
        case .time(let time): PageTime.text(time)
        case .list(let members): members.map(text).joined(separator: ", ")
        default: value.text ?? ""
        }
    }
}
