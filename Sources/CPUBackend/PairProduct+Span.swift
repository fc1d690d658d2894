import CKernels

/// How a span of columns is packed, and a slice of it multiplied.
extension PairProduct {
    /// Packs a span's columns.
    func pack(_ span: Range<Int>, of weight: Weight, _ memory: Scratch) {
        if layout.isStrassen { return packParts(span, of: weight, memory) }
        let width = PairLayout.panelColumns
        switch weight {
        case .integers(let integers):
            for first in stride(from: span.lowerBound, to: span.upperBound, by: width) {
                for slice in 0..<layout.slices {
                    let elements = layout.elements(ofSlice: slice)
                    mica_pack_pairs_s8(
                        integers + first * depth + elements.lowerBound, depth, min(width, span.upperBound - first),
                        elements.count, panel(at: first - span.lowerBound, slice: slice, memory))
                }
            }
        case .scaled(let weightRows):
            // Few at a time: their floats stay in the first-level cache.
            let panelsEnd = (span.count + width - 1) / width * width
            for place in stride(from: 0, to: panelsEnd, by: Self.packedColumns) {
                let first = min(span.lowerBound + place, span.upperBound)
                pack(first..<min(first + Self.packedColumns, span.upperBound), of: weightRows, at: place, memory)
            }
        }
    }

    /// A slice of a span's columns from `place` on, where their panel begins or one of its eights does.
    private func panel(at place: Int, slice: Int, _ memory: Scratch) -> mica_pairs {
        let (index, column) = place.quotientAndRemainder(dividingBy: PairLayout.panelColumns)
        let units = layout.units(layout.elements(ofSlice: slice).count)
        return layout.span(slice: slice, in: memory.panels)
            .advanced(words: index * PairLayout.panelColumns * 2 * units + column, rows: place)
    }

    /// Packs some columns where they begin in a panel, slice by slice. They come from memory, a few lines of each at a
    /// time, so that what comes next is asked for before.
    private func pack(_ columns: Range<Int>, of weightRows: WeightRows, at place: Int, _ memory: Scratch) {
        let following = columns.upperBound..<min(columns.upperBound + Self.packedColumns, self.columns)
        for slice in 0..<layout.slices {
            prefetch([slice + 1 == layout.slices ? following : columns], after: slice, of: weightRows)
            let elements = layout.elements(ofSlice: slice)
            for (row, column) in columns.enumerated() {
                weightRows.widen(column, elements, into: memory.floats + row * layout.sliceElements)
            }
            let panel = panel(at: place, slice: slice, memory)
            mica_pack_scaled_columns(
                memory.floats, layout.sliceElements, columns.count, elements.count, MICA_LENGTH, panel)
            guard let rowScales = weightRows.rowScales else { continue }
            for (row, column) in columns.enumerated() { panel.scales[row] *= rowScales[column] }
        }
    }

    /// Asks for what is packed after a slice.
    private func prefetch(_ columns: [Range<Int>], after slice: Int, of weightRows: WeightRows) {
        let next = layout.elements(ofSlice: slice + 1 == layout.slices ? 0 : slice + 1)
        for columns in columns {
            for column in columns { weightRows.prefetch(column, next) }
        }
    }

    /// Packs a span's columns as the parts of Strassen's scheme, eight of the first half with the eight that lie as far
    /// in the second.
    private func packParts(_ span: Range<Int>, of weight: Weight, _ memory: Scratch) {
        for place in stride(from: 0, to: PairLayout.panelColumns, by: Self.packedColumns) {
            let columns = eights(at: place, of: span)
            let following = eights(at: place + Self.packedColumns, of: span)
            for slice in 0..<layout.slices {
                if case .scaled(let weightRows) = weight {
                    prefetch(slice + 1 == layout.slices ? following : columns, after: slice, of: weightRows)
                }
                let elements = layout.elements(ofSlice: slice)
                let panels = layout.span(slice: slice, in: memory.panels).advanced(words: place, rows: place)
                for (half, columns) in columns.enumerated() {
                    let scales = panels.scales + half * PairLayout.panelColumns
                    for index in 0..<Self.packedColumns {
                        let halves = memory.halves + (half * Self.packedColumns + index) * 2 * Int(MICA_SLICE)
                        let column = columns.lowerBound + index
                        if column < columns.upperBound {
                            scales[index] = integers(column, elements, of: weight, memory.floats, into: halves)
                        } else {
                            scales[index] = 0
                            halves.update(repeating: 0, count: 2 * Int(MICA_SLICE))
                        }
                    }
                }
                mica_strassen_columns(memory.halves, elements.count, panels)
            }
        }
    }

    /// Eight columns of each half of a span, or as many as there are; none after a half's end.
    private func eights(at place: Int, of span: Range<Int>) -> [Range<Int>] {
        guard place < PairLayout.panelColumns else { return [] }
        return [place, place + PairLayout.panelColumns].map { place in
            let first = min(span.lowerBound + place, span.upperBound)
            return first..<min(first + Self.packedColumns, span.upperBound)
        }
    }

    /// Elements of a column as integers; returns their scale.
    private func integers(
        _ column: Int, _ elements: Range<Int>, of weight: Weight, _ floats: UnsafeMutablePointer<Float>,
        into halves: UnsafeMutablePointer<Int16>
    ) -> Float {
        switch weight {
        case .integers(let integers):
            mica_strassen_column_s8(integers + column * depth + elements.lowerBound, elements.count, halves)
            return 1
        case .scaled(let weightRows):
            weightRows.widen(column, elements, into: floats)
            let scale = mica_strassen_column_f32(floats, elements.count, halves)
            return scale * (weightRows.rowScales?[column] ?? 1)
        }
    }

    /// Adds a slice of the product of a block's rows and a span's columns to the sums.
    func multiply(
        _ rows: Int, _ columns: Int, _ input: mica_pairs, _ weight: Weight, slice: Int, _ memory: Scratch
    ) {
        let units = layout.units(layout.elements(ofSlice: slice).count)
        let adds = slice > 0
        if layout.isStrassen {
            return multiplyParts(rows, columns, input, weight, slice: slice, units: units, memory)
        }
        let groups = layout.partRows(rows) / Int(MICA_PAIR_ROWS)
        for first in stride(from: 0, to: columns, by: PairLayout.panelColumns) {
            let panel = panel(at: first, slice: slice, memory)
            let place = first * Self.blockRows
            switch weight {
            case .integers: kernels.multiply(input, groups, panel, units: units, memory.exactSums + place, adds: adds)
            case .scaled: kernels.multiplyScaled(input, groups, panel, units: units, memory.sums + place, adds: adds)
            }
        }
    }

    private func multiplyParts(
        _ rows: Int, _ columns: Int, _ input: mica_pairs, _ weight: Weight, slice: Int, units: Int, _ memory: Scratch
    ) {
        let partRows = layout.partRows(rows)
        let panels = layout.span(slice: slice, in: memory.panels)
        let panelStride = PairLayout.panelColumns * Self.blockRows
        let (sums, adds): (UnsafeMutablePointer<Int32>, Bool) =
            switch weight {
            case .integers: (memory.exactSums, slice > 0)
            case .scaled: (memory.integers, false)
            }
        for part in 0..<layout.parts {
            let groups = input.advanced(words: part * partRows * 2 * units, rows: part * partRows)
            let panel = panels.advanced(
                words: part * PairLayout.panelColumns * 2 * units, rows: part * PairLayout.panelColumns)
            kernels.multiplyPart(
                part, groups, rows: partRows, panel, units: units, sums, panelStride: panelStride, adds: adds)
        }
        guard case .scaled = weight else { return }
        for first in stride(from: 0, to: columns, by: PairLayout.panelColumns) {
            mica_scale_sums(
                sums + first * Self.blockRows, rows, input.scales, panels.scales + first,
                memory.sums + first * Self.blockRows, slice > 0 ? 1 : 0)
        }
    }
}
